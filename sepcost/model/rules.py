"""Building blocks of shape inference: a rule maps a node's inputs to the types of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onnx import TensorProto, TypeProto

from sepcost.model.schema import ask, schema_of
from sepcost.model.shortcuts import broadcast_shape
from sepcost.model.values import Known, static_shape, tensor_type
from sepcost.network import Shape

Inputs = list[Known | None]
Attributes = Mapping[str, Any]
Rule = Callable[[Inputs, Attributes], list[TypeProto]]

#: The opset and IR version used to infer the standard counterpart of an operator.
OPSET, IR_VERSION = 17, 9

_FLOAT = TensorProto.FLOAT


def at(inputs: Inputs, position: int) -> Known | None:
    """Return an input; None if it is left out."""
    return inputs[position] if position < len(inputs) else None


def shapes(inputs: Inputs, *positions: int) -> list[Shape] | None:
    """Return the shapes at these positions; None if one is unknown."""
    known_shapes = []
    for position in positions:
        known = at(inputs, position)
        if known is None or known.shape is None:
            return None
        known_shapes.append(known.shape)
    return known_shapes


def whole(inputs: Inputs, position: int) -> int | None:
    """Return the value of a scalar input; None if it is unknown or not a scalar."""
    known = at(inputs, position)
    content = None if known is None else known.array
    return None if content is None or content.size != 1 else int(content.reshape(-1)[0])


def elem_type(inputs: Inputs, position: int) -> int:
    """Return the element type of an input; 0 if unknown."""
    known = at(inputs, position)
    return known.type.tensor_type.elem_type if known else 0


def typed(inputs: Inputs, *outputs: Shape | None) -> list[TypeProto]:
    """Return outputs of these shapes, with the element type of the first input."""
    return [tensor_type(elem_type(inputs, 0), shape) for shape in outputs]


def as_type(rule: Rule, *, of: int | None = None, to: int = 0) -> Rule:
    """As ``rule``, but with the element type ``to`` or that of the input at ``of``."""

    def retyped(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
        kind = to if of is None else elem_type(inputs, of)
        return [tensor_type(kind, static_shape(type_)) for type_ in rule(inputs, attrs)]

    return retyped


def like(*positions: int) -> Rule:
    """Give each output the type of one of the inputs."""

    def rule(inputs: Inputs, _: Attributes) -> list[TypeProto]:
        chosen = (at(inputs, position) for position in positions)
        return [known.type if known else TypeProto() for known in chosen]

    return rule


def broadcast(*positions: int) -> Rule:
    """Broadcast these inputs as numpy does."""

    def rule(inputs: Inputs, _: Attributes) -> list[TypeProto]:
        found = shapes(inputs, *positions)
        shape = None if found is None else broadcast_shape(*found)
        return [tensor_type(elem_type(inputs, positions[-1]), shape)]

    return rule


def matmul(second: int) -> Rule:
    """Multiply the first input by the one at ``second``, with ONNX Runtime's transposes."""

    def rule(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
        known_shapes = shapes(inputs, 0, second)
        if known_shapes is None:
            return typed(inputs, None)
        a, b = known_shapes
        if attrs.get("transBatchA"):
            a = (*a[1:-1], a[0], a[-1])
        if attrs.get("transBatchB"):
            b = (*b[1:-1], b[0], b[-1])
        if attrs.get("transA"):
            a = (*a[:-2], a[-1], a[-2])
        if attrs.get("transB"):
            b = (*b[:-2], b[-1], b[-2])
        return typed(inputs, _product(a, b))

    return rule


def _product(a: Shape, b: Shape) -> Shape | None:
    if not a or not b:
        return None
    rows, columns = a[:-1][-1:], b[-1:] if len(b) > 1 else ()
    batch = broadcast_shape(a[:-2], b[:-2])
    return None if batch is None else batch + rows + columns


def namesake(op_type: str) -> Rule:
    """Infer as the standard operator of this name, from the same inputs."""
    return lambda inputs, attrs: _ask(op_type, inputs, attrs)


def relative(op_type: str, *positions: int) -> Rule:
    """Infer shapes as a standard operator on these inputs, regardless of element types."""
    return lambda inputs, attrs: ask_relative(op_type, [at(inputs, k) for k in positions], attrs)


def ask_relative(
    op_type: str, inputs: Sequence[Known | None], attrs: Attributes
) -> list[TypeProto]:
    """Infer shapes as if all inputs were floats; outputs have the type of the first input."""
    floats = [known and Known("", tensor_type(_FLOAT, known.shape)) for known in inputs]
    found = _ask(op_type, floats, attrs)
    return typed([*inputs], *(static_shape(type_) for type_ in found))


def _ask(op_type: str, inputs: Sequence[Known | None], attrs: Attributes) -> list[TypeProto]:
    """Infer by ONNX, with the attributes that the standard operator has too."""
    from onnx import helper  # noqa: PLC0415 - slow

    schema = schema_of(op_type, OPSET)
    if schema is None or len(inputs) < schema.min_input or not all(inputs[: schema.min_input]):
        return []
    known = [helper.make_attribute(k, v) for k, v in attrs.items() if k in schema.attributes]
    return ask(schema, known, inputs, range(1, min(schema.max_output, 9) + 1), IR_VERSION)


def channels_last(op_type: str, *positions: int, always: bool = True) -> Rule:
    """As ``relative`` on [B, *spatial, C]; unless ``always``, only if ``channels_last`` is set."""

    def rule(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
        chosen = [at(inputs, k) for k in positions]
        if not (always or attrs.get("channels_last")):
            return ask_relative(op_type, chosen, attrs)
        known_shapes = shapes(chosen, 0)
        if known_shapes is None or len(known_shapes[0]) < 3:
            return typed(chosen, None)
        batch, *spatial, channels = known_shapes[0]
        chosen[0] = Known("", tensor_type(elem_type(chosen, 0), (batch, channels, *spatial)))
        out = [static_shape(type_) for type_ in ask_relative(op_type, chosen, attrs)]
        return typed(chosen, *(shape and (shape[0], *shape[2:], shape[1]) for shape in out))

    return rule
