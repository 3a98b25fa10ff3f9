"""ONNX's own shape inference, for one node at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import onnx
from onnx import TensorProto, TypeProto

from sepcost.model.corrections import complete, corrected
from sepcost.model.inference_guard import check
from sepcost.model.values import Known

if TYPE_CHECKING:
    from onnx.defs import OpSchema


@cache
def schema_of(op_type: str, opset: int, domain: str = "") -> OpSchema | None:
    """Return ONNX's definition of an operator at this opset; None if there is none."""
    from onnx.defs import SchemaError, get_schema  # noqa: PLC0415 - slow

    try:
        return get_schema(op_type, opset, domain)
    except (SchemaError, TypeError):  # TypeError: the opset exceeds an int
        return None


def ask(
    schema: OpSchema,
    attributes: Iterable[onnx.AttributeProto],
    inputs: Sequence[Known | None],
    outputs: Sequence[object],
    ir_version: int,
) -> list[TypeProto]:
    """Return the type of each output; an empty one if it is unknown or left out.

    Values get new names for the query: those of the model may not be UTF-8.

    Raises
    ------
    onnx.shape_inference.InferenceError
        If the inputs contradict the operator.
    ValueError
        If the query would crash ONNX (see ``inference_guard``).
    """
    node = onnx.NodeProto(op_type=schema.name, domain=schema.domain)
    node.attribute.extend(attributes)
    node.input.extend([f"i{k}" if known else "" for k, known in enumerate(inputs)])
    node.output.extend([f"o{k}" if name else "" for k, name in enumerate(outputs)])
    check(node, inputs)
    complete(node)
    inferred = _answer(
        _Key(schema.name, schema.since_version, schema.domain),
        node.SerializeToString(),
        tuple(known.type.SerializeToString() for known in inputs if known),
        tuple(
            None if (tensor := known.tensor) is None else tensor.SerializeToString()
            for known in inputs
            if known
        ),
        ir_version,
    )
    return corrected(node, inputs, list(inferred))


class _Key(NamedTuple):
    op_type: str
    version: int
    domain: str


@lru_cache(maxsize=4096)
def _answer(
    key: _Key,
    node: bytes,
    types: tuple[bytes, ...],
    tensors: tuple[bytes | None, ...],
    ir_version: int,
) -> tuple[TypeProto, ...]:
    """Infer one node; cached, since networks repeat the same layers."""
    from onnx.shape_inference import infer_node_outputs  # noqa: PLC0415 - slow

    proto = onnx.NodeProto.FromString(node)
    names = [name for name in proto.input if name]
    by_name = infer_node_outputs(
        onnx.defs.get_schema(*key),
        proto,
        {name: TypeProto.FromString(type_) for name, type_ in zip(names, types, strict=True)},
        {
            name: TensorProto.FromString(tensor)
            for name, tensor in zip(names, tensors, strict=True)
            if tensor is not None
        },
        opset_imports=[onnx.OperatorSetIdProto(domain=key.domain, version=key.version)],
        ir_version=ir_version,
    )
    return tuple(
        by_name[name] if name in by_name and name else TypeProto() for name in proto.output
    )
