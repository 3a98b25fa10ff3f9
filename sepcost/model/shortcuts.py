"""Output types of the commonest nodes, worked out without ONNX: a question takes ten times longer.

Only where the answer is certain: all shapes are static, and fit. ONNX is asked about the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

import onnx
from onnx import AttributeProto, TensorProto

from sepcost.model.corrections import pooled
from sepcost.model.graphs import STANDARD, attribute_value
from sepcost.model.values import Known, shaped
from sepcost.network import Shape

Inputs = Sequence[Known]
Shapes = Sequence[Shape]
Attributes = Mapping[str, Any]
Rule = Callable[[Inputs, Attributes], Known | None]


class Shortcut(NamedTuple):
    """A rule, the types of the attributes that a node may have, and the first opset."""

    rule: Rule
    attributes: Mapping[str, int] = MappingProxyType({})
    since: int = 7  # operators of older opsets broadcast by other rules


def shortcut(node: onnx.NodeProto, inputs: Sequence[Known | None], opset: int) -> Known | None:
    """Return the only output of ``node``, still without a name; None if ONNX must be asked."""
    found = SHORTCUTS.get(node.op_type) if node.domain in STANDARD else None
    if found is None or opset < found.since or len(node.output) != 1:
        return None
    known = [each for each in inputs if each and each.shape is not None and each.elem_type]
    if len(known) < len(inputs) or not known:
        return None
    attributes: dict[str, Any] = {}
    for given in node.attribute:
        name = given.name
        wrong = found.attributes.get(name) != given.type or given.ref_attr_name
        if wrong or name in attributes:
            return None
        attributes[name] = attribute_value(given)
    try:
        return found.rule(known, attributes)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _typed(shape_of: Callable[[Shapes, Attributes], Shape | None]) -> Rule:
    """Give the output the element type that all inputs have."""

    def rule(inputs: Inputs, attributes: Attributes) -> Known | None:
        kind, *others = {known.elem_type for known in inputs}
        shape = shape_of([known.shape or () for known in inputs], attributes)
        return None if shape is None or others else shaped("", kind, shape)

    return rule


def _filled(inputs: Inputs, attributes: Attributes) -> Known | None:
    """ConstantOfShape, if it is too large to keep its contents."""
    (shape,) = inputs
    sizes, value = shape.numbers, attributes.get("value")
    if sizes is None or min(sizes, default=0) < 1 or (value and prod(value.dims) != 1):
        return None
    return shaped("", value.data_type if value else TensorProto.FLOAT, sizes)


def _same(shapes: Shapes, _: Attributes) -> Shape | None:
    return shapes[0] if len(shapes) == 1 else None


def _broadcast(shapes: Shapes, _: Attributes) -> Shape | None:
    return broadcast_shape(*shapes) if len(shapes) == 2 else None


def broadcast_shape(*found: Shape) -> Shape | None:
    """Return the broadcast shape; None if the shapes do not broadcast."""
    rank = max(map(len, found))
    padded = [(1,) * (rank - len(shape)) + shape for shape in found]
    sizes = [{size for size in column if size != 1} for column in zip(*padded, strict=True)]
    if any(len(column) > 1 for column in sizes):
        return None
    return tuple(next(iter(column), 1) for column in sizes)


def _normalized(shapes: Shapes, _: Attributes) -> Shape | None:
    """BatchNormalization: four vectors with one number per channel."""
    data, *vectors = shapes
    return data if len(data) > 1 and vectors == [data[1:2]] * 4 else None


def _global(shapes: Shapes, _: Attributes) -> Shape | None:
    (data,) = shapes
    return data[:2] + (1,) * (len(data) - 2) if len(data) > 2 else None


def _softmax(shapes: Shapes, attributes: Attributes) -> Shape | None:
    (data,) = shapes
    return data if -len(data) <= attributes.get("axis", -1) < len(data) > 1 else None


def _joined(shapes: Shapes, attributes: Attributes) -> Shape | None:
    """Concat: all sizes are equal, except on the axis."""
    first, axis = shapes[0], attributes["axis"]
    if not 0 <= axis < len(first):  # ONNX does not infer negative ones before opset 11
        return None
    if len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}) > 1:
        return None
    return *first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :]


def _convolved(shapes: Shapes, attributes: Attributes) -> Shape | None:
    """Conv: it has as many channels as the weight has filters."""
    data, weight, *bias = shapes
    given = attributes.get("kernel_shape")
    if len(bias) > 1 or len(weight) != len(data) or min(weight) < 1:
        return None
    if given and (*given,) != weight[2:]:
        return None
    windows = _pooled([data], {**attributes, "kernel_shape": weight[2:]})
    return windows and (data[0], weight[0], *windows[2:])


def _pooled(shapes: Shapes, attributes: Attributes) -> Shape | None:
    """Windows with explicit pads, as ONNX Runtime places them (see ``corrections``)."""
    (data,) = shapes
    kernel = attributes["kernel_shape"]
    rank = len(data) - 2
    steps = [attributes.get(name) or [1] * rank for name in ("strides", "dilations")]
    pads = attributes.get("pads") or [0] * (2 * rank)
    fit = rank > 0 and [len(each) for each in (kernel, *steps, pads)] == [rank] * 3 + [2 * rank]
    explicit = attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
    if not (fit and explicit and min(*data, *kernel, *steps[0], *steps[1]) > 0 <= min(pads)):
        return None
    shape = pooled(data, attributes)
    return shape if min(shape) > 0 else None


_FLOAT, _INT, _INTS, _STRING, _TENSOR = (
    AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.INTS, AttributeProto.STRING,
    AttributeProto.TENSOR,
)  # fmt: skip
_WINDOWS = {"auto_pad": _STRING, **dict.fromkeys(("kernel_shape", "pads", "strides"), _INTS)}

#: Attributes that only some opsets have are left out: ONNX refuses them elsewhere.
SHORTCUTS: Mapping[str, Shortcut] = {
    **dict.fromkeys(("Abs", "Exp", "Neg", "Relu", "Sigmoid", "Sqrt", "Tanh"),
                    Shortcut(_typed(_same))),
    "LeakyRelu": Shortcut(_typed(_same), {"alpha": _FLOAT}),
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), Shortcut(_typed(_broadcast))),
    "AveragePool": Shortcut(_typed(_pooled), {**_WINDOWS, "count_include_pad": _INT}),
    "MaxPool": Shortcut(_typed(_pooled), _WINDOWS),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), Shortcut(_typed(_global))),
    "BatchNormalization": Shortcut(
        _typed(_normalized), {"epsilon": _FLOAT, "momentum": _FLOAT}
    ),
    "Concat": Shortcut(_typed(_joined), {"axis": _INT}),
    "ConstantOfShape": Shortcut(_filled, {"value": _TENSOR}, since=9),
    "Conv": Shortcut(_typed(_convolved), {**_WINDOWS, "dilations": _INTS, "group": _INT}),
    "Softmax": Shortcut(_typed(_softmax), {"axis": _INT}),
}  # fmt: skip
