"""Constant folding for the arithmetic of shapes: what Shape, Gather, Concat and their kin yield.

Only small constants are computed with. The operators that exporters build shapes from stand in
``FOLDS``; the rest go to ONNX's own reference evaluator, slower and complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import helper

from sepcost.model.values import FOLD_ELEMENTS, Known, from_array, text

Arrays = list[Any]  # numpy arrays; None where an optional input is left out
Attributes = Mapping[str, Any]
Fold = Callable[[Arrays, Attributes], Any]


def fold(node: onnx.NodeProto, inputs: list[Known | None], opset: int) -> list[Known] | None:
    """Return the outputs of ``node`` if they follow from small constants, else None.

    The result is unnamed; whoever called names it. An operator that fails on these constants
    is not folded: shape inference will say what is wrong with it.
    """
    function = FOLDS.get(node.op_type)
    arrays = _arrays(node, inputs)
    if arrays is None or node.domain not in {"", "ai.onnx"}:
        return None
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    try:
        with np.errstate(all="ignore"):
            if function is not None:
                outputs = [function(arrays, attributes)]
            else:
                outputs = _by_reference(node, arrays, opset)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None
    if any(not isinstance(o, np.ndarray | np.generic) for o in outputs):
        return None
    if any(o.size > FOLD_ELEMENTS for o in outputs):
        return None
    return [from_array("", np.asarray(output)) for output in outputs]


def _arrays(node: onnx.NodeProto, inputs: list[Known | None]) -> Arrays | None:
    """Return the contents of all inputs, or None where one of them is not known."""
    if node.op_type in {"Shape", "Size"}:
        shape = inputs[0].shape if inputs and inputs[0] else None
        return None if shape is None or any(s >= 2**63 for s in shape) else [shape]
    if not inputs or node.op_type in _NOT_FOLDED:
        return None
    arrays: Arrays = []
    for known in inputs:
        content = None if known is None else known.array
        if known is not None and content is None:
            return None
        arrays.append(content)
    return arrays


#: Random, stateful, or able to make something large out of a few bytes by way of the reference.
_NOT_FOLDED = frozenset(
    {
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
        "RandomUniformLike", "Dropout", "If", "Loop", "Scan", "SequenceMap", "SequenceConstruct",
        "SequenceEmpty", "SplitToSequence", "ImageDecoder", "Resize", "Upsample", "Pad", "EyeLike",
        "MelWeightMatrix", "HannWindow", "HammingWindow", "BlackmanWindow", "OneHot",
        "Conv", "ConvTranspose", "DeformConv", "Col2Im", "CenterCropPad", "AffineGrid",
        "NonMaxSuppression", "MaxUnpool", "Split", "StringNormalizer", "Optional",
    }
)  # fmt: skip


def _by_reference(node: onnx.NodeProto, arrays: Arrays, opset: int) -> list[Any]:
    if prod(max(1, a.size) for a in arrays if a is not None) > FOLD_ELEMENTS**2:
        return [None]  # broadcasting could grow beyond what is worth computing
    evaluator = _evaluator(node.SerializeToString(), opset)
    names = [text(name) for name in node.input]
    return list(evaluator(dict(zip(names, arrays, strict=True))))


@cache
def _evaluator(node: bytes, opset: int) -> Callable[[dict[str, Any]], list[Any]]:
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - only rare operators need it

    proto = onnx.NodeProto.FromString(node)
    function = helper.make_function(
        "sepcost", "fold", [n for n in proto.input if n], [n for n in proto.output if n],
        [proto], [helper.make_opsetid("", opset)],
    )  # fmt: skip
    evaluator = ReferenceEvaluator(function)
    return lambda feeds: list(evaluator.run(None, {k: v for k, v in feeds.items() if k}))


def _axes(arrays: Arrays, attributes: Attributes) -> tuple[int, ...] | None:
    """Axes as an attribute (before opset 13) or as the second input."""
    if len(arrays) > 1 and arrays[1] is not None:
        return tuple(int(axis) for axis in arrays[1].reshape(-1))
    axes = attributes.get("axes")
    return None if axes is None else tuple(axes)


def _shape(arrays: Arrays, attributes: Attributes) -> Any:
    (shape,) = arrays
    return np.array(shape[attributes.get("start", 0) : attributes.get("end")], np.int64)


def _unsqueeze(arrays: Arrays, attributes: Attributes) -> Any:
    return np.expand_dims(arrays[0], _axes(arrays, attributes) or ())


def _squeeze(arrays: Arrays, attributes: Attributes) -> Any:
    return np.squeeze(arrays[0], axis=_axes(arrays, attributes))


def _slice(arrays: Arrays, attributes: Attributes) -> Any:
    data = arrays[0]
    if len(arrays) == 1:
        starts, ends = attributes["starts"], attributes["ends"]
        axes, steps = attributes.get("axes"), None
    else:
        starts, ends = arrays[1], arrays[2]
        axes = arrays[3] if len(arrays) > 3 else None
        steps = arrays[4] if len(arrays) > 4 else None
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    cuts = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        stop = None if step < 0 and end < -data.shape[axis] else int(end)
        cuts[axis] = slice(int(start), stop, int(step))
    return data[tuple(cuts)]


def _cast(arrays: Arrays, attributes: Attributes) -> Any:
    return arrays[0].astype(helper.tensor_dtype_to_np_dtype(attributes["to"]))


def _divide(arrays: Arrays, _: Attributes) -> Any:
    """Integer division rounds towards zero."""
    a, b = arrays
    if not np.issubdtype(a.dtype, np.integer):
        return a / b
    quotient = np.abs(a) // np.abs(b)
    return (np.sign(a) * np.sign(b) * quotient).astype(a.dtype)


def _reshape(arrays: Arrays, attributes: Attributes) -> Any:
    data, shape = arrays
    if not attributes.get("allowzero"):
        shape = [data.shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return data.reshape(shape)


def _filled(arrays: Arrays, attributes: Attributes) -> Any:
    """ConstantOfShape, where the result is small."""
    value = attributes.get("value")
    scalar = np.float32(0) if value is None else onnx.numpy_helper.to_array(value).reshape(-1)[0]
    return np.full(_small(arrays[0]), scalar)


def _range(arrays: Arrays, _: Attributes) -> Any:
    start, limit, step = (a.reshape(-1)[0] for a in arrays)
    _small([max(0, int(np.ceil((float(limit) - float(start)) / float(step))))])
    return np.arange(start, limit, step, dtype=start.dtype)


def _expand(arrays: Arrays, _: Attributes) -> Any:
    shape = np.broadcast_shapes(arrays[0].shape, _small(arrays[1]))
    return np.broadcast_to(arrays[0], _small(shape)).copy()


def _tile(arrays: Arrays, _: Attributes) -> Any:
    _small([prod(int(r) for r in arrays[1]) * arrays[0].size])
    return np.tile(arrays[0], arrays[1])


def _small(shape: Any) -> tuple[int, ...]:
    """Return the shape, or raise ValueError where a tensor of it is too large to compute with."""
    sizes = tuple(int(size) for size in shape)
    if prod(sizes) > FOLD_ELEMENTS or any(size > FOLD_ELEMENTS for size in sizes):
        raise ValueError("not small")
    return sizes


def _reduce(function: Callable[..., Any]) -> Fold:
    def reduce(arrays: Arrays, attributes: Attributes) -> Any:
        axes = _axes(arrays, attributes)
        if not axes and attributes.get("noop_with_empty_axes"):
            return arrays[0]
        keep = bool(attributes.get("keepdims", 1))
        return function(arrays[0], axis=axes or None, keepdims=keep).astype(arrays[0].dtype)

    return reduce


def _elementwise(function: Callable[..., Any]) -> Fold:
    return lambda arrays, _: function(*arrays)


#: The operators that shapes are made of, one expression each.
FOLDS: Mapping[str, Fold] = {
    "Shape": _shape,
    "Size": lambda arrays, _: np.array(prod(arrays[0]), np.int64),
    "Identity": lambda arrays, _: arrays[0],
    "Gather": lambda arrays, attributes: np.take(arrays[0], arrays[1], attributes.get("axis", 0)),
    "Concat": lambda arrays, attributes: np.concatenate(arrays, attributes["axis"]),
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Slice": _slice,
    "Reshape": _reshape,
    "Transpose": lambda arrays, attributes: np.transpose(arrays[0], attributes.get("perm")),
    "Cast": _cast,
    "ConstantOfShape": _filled,
    "Range": _range,
    "Expand": _expand,
    "Tile": _tile,
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _divide,
    "Neg": _elementwise(np.negative),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Sqrt": _elementwise(np.sqrt),
    "Equal": _elementwise(np.equal),
    "Less": _elementwise(np.less),
    "Greater": _elementwise(np.greater),
    "LessOrEqual": _elementwise(np.less_equal),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Not": _elementwise(np.logical_not),
    "And": _elementwise(np.logical_and),
    "Or": _elementwise(np.logical_or),
    "Where": _elementwise(np.where),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
}
