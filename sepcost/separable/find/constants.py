"""Recipes of weights: traced through the graph immediately, computed on demand.

A weight may be an initializer, a Constant or a ConstantOfShape, and may reach its convolution
through Cast, Transpose, Reshape and any arithmetic on constants, also across the borders of
subgraphs and functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from sepcost.errors import ConversionError, ModelError, first_line
from sepcost.model.graphs import STANDARD, Name, has_subgraphs, label
from sepcost.model.infer import is_standard
from sepcost.model.provenance import RANDOM
from sepcost.model.tensors import Array, content
from sepcost.model.values import text
from sepcost.separable.find.sites import Frame

Key = tuple[str, Name]

#: Attributes of Constant that hold plain numbers.
PLAIN: Mapping[str, type[np.generic]] = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}

#: First opset whose DequantizeLinear ONNX's reference evaluator supports.
REFERENCE_DEQUANTIZES = 19

#: No exporter puts this many nodes between a weight and its convolution.
MAX_NODES = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One step to a constant: a stored tensor, or a node that reads earlier results."""

    key: Key
    frame: Frame
    tensor: onnx.TensorProto | onnx.SparseTensorProto | None
    node: onnx.NodeProto | None
    reads: tuple[Key | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """The steps that compute a constant, in order."""

    name: str
    steps: tuple[Step, ...]
    home: Path  # the folder to which paths of external data are relative

    @property
    def key(self) -> tuple[tuple[str, Name, bytes], ...]:
        """Equal for recipes with the same result, whichever call of a function they come from."""
        return tuple(
            (step.frame.body, step.key[1], step.node.SerializeToString() if step.node else b"")
            for step in self.steps
        )

    def __call__(self) -> Array:
        """Compute the constant.

        Raises
        ------
        ConversionError
            A step fails; the message names the value.
        """
        values: dict[Key, Array] = {}
        for step in self.steps:
            try:
                values.update(_evaluated(step, values, self.home))
            except ModelError:
                raise
            except Exception as error:
                reason = first_line(error)
                raise ConversionError(
                    f"the weight {self.name!r} cannot be computed: {text(step.key[1])!r}: {reason}"
                ) from error
        return values[self.steps[-1].key]


def recipe(frame: Frame, name: Name, home: Path, overridable: frozenset[Name]) -> Recipe | str:
    """Trace the constant ``name`` to its recipe; return the reason if there is none.

    Parameters
    ----------
    overridable
        Initializers of the main graph that are also inputs, so a caller may override them.
    """
    steps: dict[Key, Step] = {}
    stack: list[tuple[Frame, Name, bool]] = [(frame, name, False)]
    while stack:
        at, wanted, ready = stack.pop()
        definition = at.home(wanted)
        if definition is None:
            return "weights computed at run time"
        where, own = definition
        key = (where.prefix, own)
        if key in steps:
            continue
        if where.prefix == "" and own in overridable:
            return "its weight is also a graph input, so a caller may override it"
        if own in where.tensors:
            steps[key] = Step(key, where, where.tensors[own], None)
            continue
        node = where.resolved(where.writers[own])
        if (problem := _cannot(where, node)) or len(steps) > MAX_NODES:
            return problem or f"its weight takes more than {MAX_NODES} nodes to compute"
        if ready:
            steps[key] = Step(key, where, None, node, tuple(_reads(where, node)))
        else:
            stack.append((at, wanted, True))
            stack.extend((where, raw, False) for raw in node.input if raw)
    return Recipe(text(name), tuple(steps.values()), home)


def _cannot(frame: Frame, node: onnx.NodeProto) -> str:
    """The reason why a node cannot be evaluated here; empty if it can."""
    standard = is_standard(node.op_type, frame.opsets.get("", 1), node.domain)
    if node.domain not in STANDARD or not standard or has_subgraphs(node) or node.op_type in RANDOM:
        return f"its weight is computed by {label(node)}, which is not plain arithmetic"
    return ""


def _reads(frame: Frame, node: onnx.NodeProto) -> Iterator[Key | None]:
    for raw in node.input:
        found = frame.home(raw) if raw else None
        yield (found[0].prefix, found[1]) if found else None


def _evaluated(step: Step, values: dict[Key, Array], home: Path) -> dict[Key, Array]:
    if step.tensor is not None:
        return {step.key: _stored(step.tensor, home)}
    assert step.node is not None
    prefix = step.frame.prefix
    if step.node.op_type == "Constant":
        return {step.key: _constant(step.node, home)}
    inputs = {raw: values[k] for raw, k in zip(step.node.input, step.reads, strict=True) if k}
    outputs = _computed(step.node, inputs, step.frame.opsets.get("", 1))
    return {(prefix, name): array for name, array in outputs.items()}


def _stored(tensor: onnx.TensorProto | onnx.SparseTensorProto, home: Path) -> Array:
    if isinstance(tensor, onnx.TensorProto):
        return content(tensor, home)
    values, places = content(tensor.values, home), content(tensor.indices, home)
    dense = np.zeros(tuple(tensor.dims), values.dtype)
    if places.ndim == 1:
        dense.reshape(-1)[places] = values
    else:
        dense[tuple(places.T)] = values
    return dense


def _constant(node: onnx.NodeProto, home: Path) -> Array:
    for attribute in node.attribute:
        if attribute.name == "value":
            return content(attribute.t, home)
        if attribute.name == "sparse_value":
            return _stored(attribute.sparse_tensor, home)
        if attribute.name in PLAIN:
            value = helper.get_attribute_value(attribute)
            return np.asarray(value, PLAIN[attribute.name])
    raise ValueError("has no value")


def _computed(node: onnx.NodeProto, inputs: dict[Name, Array], opset: int) -> dict[Name, Array]:
    """Run one node with ONNX's reference evaluator, which needs plain names."""
    if node.op_type == "Identity":
        return {node.output[0]: inputs[node.input[0]]}
    if node.op_type == "DequantizeLinear" and opset < REFERENCE_DEQUANTIZES:
        arrays = [inputs[raw] for raw in node.input if raw]
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        return {node.output[0]: _dequantized(arrays, axis)}
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - slow, and rarely needed

    stand_in = onnx.NodeProto(op_type=node.op_type)
    stand_in.attribute.extend(node.attribute)
    stand_in.input.extend(f"i{k}" if raw else "" for k, raw in enumerate(node.input))
    stand_in.output.extend(f"o{k}" if raw else "" for k, raw in enumerate(node.output))
    function = helper.make_function(
        "sepcost", "constant", [n for n in stand_in.input if n], [n for n in stand_in.output if n],
        [stand_in], [helper.make_opsetid("", opset)],
    )  # fmt: skip
    feeds = {f"i{k}": inputs[raw] for k, raw in enumerate(node.input) if raw}
    results: list[Any] = list(ReferenceEvaluator(function).run(None, feeds, {}))
    present = [raw for raw in node.output if raw]
    return {raw: np.asarray(array) for raw, array in zip(present, results, strict=True)}


def _dequantized(arrays: list[Array], axis: int) -> Array:
    """(x - zero_point) · scale, with one scale or one per index of the axis."""
    levels, scale = arrays[:2]
    along = [1] * levels.ndim
    if scale.ndim:
        along[axis] = -1
    offset = arrays[2].astype(np.int32).reshape(along if scale.ndim else ()) if arrays[2:] else 0
    return np.asarray((levels.astype(np.int32) - offset) * scale.reshape(along), scale.dtype)
