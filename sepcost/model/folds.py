"""Operators of shape arithmetic, by the ONNX specification.

Each takes the inputs as numpy arrays (None for one that is left out) and the attributes, and
returns an array or a list of arrays. Results that could be large are checked before they are
computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import ceil, prod
from typing import Any

import numpy as np
from onnx import helper

from sepcost.model.values import FOLD_ELEMENTS, FOLDABLE

Arrays = list[Any]
Attributes = Mapping[str, Any]
Fold = Callable[[Arrays, Attributes], Any]


def _small(shape: Any) -> tuple[int, ...]:
    """Return the shape; raise ValueError if a tensor of this shape is too large to fold."""
    sizes = tuple(int(size) for size in shape)
    if prod(sizes) > FOLD_ELEMENTS or any(size > FOLD_ELEMENTS for size in sizes):
        raise ValueError("not small")
    return sizes


def _elementwise(function: Callable[..., Any]) -> Fold:
    """Apply with numpy's broadcasting."""

    def fold(arrays: Arrays, _: Attributes) -> Any:
        _small(np.broadcast_shapes(*(array.shape for array in arrays)))
        return function(*arrays)

    return fold


def _variadic(function: Callable[..., Any]) -> Fold:
    """Apply to any number of inputs, with broadcasting."""
    return _elementwise(lambda *arrays: reduce(function, arrays))


def _axes(arrays: Arrays, attributes: Attributes) -> tuple[int, ...] | None:
    """Return the axes from the attribute (before opset 13) or the second input."""
    if len(arrays) > 1 and arrays[1] is not None:
        return tuple(int(axis) for axis in arrays[1].reshape(-1))
    axes = attributes.get("axes")
    return None if axes is None else tuple(axes)


def _reduce(function: Callable[..., Any]) -> Fold:
    """Reduce over the axes; without axes over all, unless noop_with_empty_axes is set."""

    def fold(arrays: Arrays, attributes: Attributes) -> Any:
        axes = _axes(arrays, attributes)
        if not axes and attributes.get("noop_with_empty_axes"):
            return arrays[0]
        keep = bool(attributes.get("keepdims", 1))
        return function(arrays[0], axis=axes or None, keepdims=keep).astype(arrays[0].dtype)

    return fold


def _mean(data: Any, **over: Any) -> Any:
    if not data.size:
        raise ValueError("mean of no elements")  # numpy would only warn on stderr
    return np.mean(data, **over)


def _shape(arrays: Arrays, attributes: Attributes) -> Any:
    (shape,) = arrays
    return np.array(shape[attributes.get("start", 0) : attributes.get("end")], np.int64)


def _concat(arrays: Arrays, attributes: Attributes) -> Any:
    _small([sum(array.size for array in arrays)])
    return np.concatenate(arrays, attributes["axis"])


def _slice(arrays: Arrays, attributes: Attributes) -> Any:
    """Starts, ends, axes and steps are inputs, or attributes before opset 10."""
    data = arrays[0]
    names = ("starts", "ends", "axes", "steps")
    given = arrays[1:] if len(arrays) > 1 else [attributes.get(name) for name in names]
    starts, ends, axes, steps = (*given, None, None)[:4]
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    cuts = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cuts[axis] = _cut(data.shape[axis], int(start), int(end), int(step))
    return data[tuple(cuts)]


def _cut(size: int, start: int, end: int, step: int) -> slice:
    """Clamp as ONNX does: with a negative step, a start before the first element becomes 0."""
    last = size if step > 0 else size - 1
    first = min(max(start + size if start < 0 else start, 0), last)
    stop = min(max(end + size if end < 0 else end, 0 if step > 0 else -1), last)
    return slice(first, None if stop < 0 else stop, step)


def _split(arrays: Arrays, attributes: Attributes) -> Any:
    """Split into equal parts; the last is smaller if the size does not divide evenly."""
    data, axis = arrays[0], attributes.get("axis", 0)
    parts = attributes.get("split") if len(arrays) == 1 else arrays[1]
    if parts is None:
        _small([attributes["num_outputs"]])
        part = ceil(data.shape[axis] / attributes["num_outputs"])
        parts = [part] * (attributes["num_outputs"] - 1)
        parts = [*parts, data.shape[axis] - sum(parts)]
    if sum(parts) != data.shape[axis]:
        raise ValueError("the parts do not add up")
    return np.split(data, np.cumsum(parts)[:-1], axis)


def _reshape(arrays: Arrays, attributes: Attributes) -> Any:
    data, shape = arrays
    if not attributes.get("allowzero"):
        shape = [data.shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return data.reshape(shape)


def _flatten(arrays: Arrays, attributes: Attributes) -> Any:
    data, axis = arrays[0], attributes.get("axis", 1)
    at = axis if axis >= 0 else data.ndim + axis
    return data.reshape(prod(data.shape[:at]), prod(data.shape[at:]))


def _cast(arrays: Arrays, attributes: Attributes) -> Any:
    to = attributes["to"]
    if to not in FOLDABLE:
        raise ValueError("not foldable")
    return arrays[0].astype(helper.tensor_dtype_to_np_dtype(to))


def _range(arrays: Arrays, _: Attributes) -> Any:
    start, limit, step = (a.reshape(-1)[0] for a in arrays)
    count = max(0, ceil((float(limit) - float(start)) / float(step)))
    _small([count])
    return (start + np.arange(count) * step).astype(start.dtype)


def _expand(arrays: Arrays, _: Attributes) -> Any:
    shape = np.broadcast_shapes(arrays[0].shape, _small(arrays[1]))
    return np.broadcast_to(arrays[0], _small(shape)).copy()


def _tile(arrays: Arrays, _: Attributes) -> Any:
    _small(size * int(times) for size, times in zip(arrays[0].shape, arrays[1], strict=True))
    return np.tile(arrays[0], arrays[1])


def _divide(a: Any, b: Any) -> Any:
    """Integer division rounds towards zero."""
    if not np.issubdtype(a.dtype, np.integer):
        return a / b
    quotient = np.abs(a) // np.abs(_nonzero(b))
    return (np.sign(a) * np.sign(b) * quotient).astype(a.dtype)


def _modulo(arrays: Arrays, attributes: Attributes) -> Any:
    """The result has the sign of the divisor; with ``fmod``, that of the dividend."""
    a, b = arrays
    return _elementwise(np.fmod if attributes.get("fmod") else np.mod)([a, _nonzero(b)], {})


def _nonzero(divisor: Any) -> Any:
    if np.issubdtype(divisor.dtype, np.integer) and not divisor.all():
        raise ZeroDivisionError
    return divisor


def _clip(arrays: Arrays, attributes: Attributes) -> Any:
    """Bounds are inputs, or attributes before opset 11."""
    data, low, high = (*arrays, None, None)[:3]
    low, high = attributes.get("min", low), attributes.get("max", high)
    if any(np.size(bound) != 1 for bound in (low, high) if bound is not None):
        raise ValueError("bounds are scalars")
    return data if low is None and high is None else np.clip(data, low, high).astype(data.dtype)


def _running_sum(arrays: Arrays, attributes: Attributes) -> Any:
    data, axis = arrays[0], int(arrays[1].reshape(-1)[0])
    data = np.flip(data, axis) if attributes.get("reverse") else data
    sums = np.cumsum(data, axis, data.dtype)
    sums = sums - data if attributes.get("exclusive") else sums
    return np.flip(sums, axis) if attributes.get("reverse") else sums


def _gather_nd(arrays: Arrays, attributes: Attributes) -> Any:
    data, indices = arrays
    if attributes.get("batch_dims"):
        raise ValueError("batches are not folded")
    return data[tuple(np.moveaxis(indices, -1, 0))]


def _scatter_nd(arrays: Arrays, attributes: Attributes) -> Any:
    data, indices, updates = arrays
    if attributes.get("reduction", b"none") != b"none":
        raise ValueError("reductions are not folded")
    result = data.copy()
    result[tuple(np.moveaxis(indices, -1, 0))] = updates
    return result


FOLDS: Mapping[str, Fold] = {
    "Shape": _shape,
    "Size": lambda arrays, _: np.array(prod(arrays[0]), np.int64),
    "Identity": lambda arrays, _: arrays[0],
    "Gather": lambda arrays, attributes: np.take(arrays[0], arrays[1], attributes.get("axis", 0)),
    "GatherElements": lambda arrays, attributes: np.take_along_axis(
        arrays[0], arrays[1], attributes.get("axis", 0)
    ),
    "GatherND": _gather_nd,
    "ScatterND": _scatter_nd,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Squeeze": lambda arrays, attributes: np.squeeze(arrays[0], _axes(arrays, attributes)),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": lambda arrays, attributes: np.transpose(arrays[0], attributes.get("perm")),
    "Cast": _cast,
    "CastLike": lambda arrays, _: arrays[0].astype(arrays[1].dtype),
    "Range": _range,
    "Expand": _expand,
    "Tile": _tile,
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _elementwise(_divide),
    "Mod": _modulo,
    "Pow": _elementwise(lambda a, b: np.power(a.astype(float), b).astype(a.dtype)),
    "Neg": _elementwise(np.negative),
    "Abs": _elementwise(np.abs),
    "Sign": _elementwise(np.sign),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Round": _elementwise(np.rint),
    "Sqrt": _elementwise(np.sqrt),
    "Exp": _elementwise(np.exp),
    "Log": _elementwise(np.log),
    "Max": _variadic(np.maximum),
    "Min": _variadic(np.minimum),
    "Sum": _variadic(np.add),
    "Clip": _clip,
    "Equal": _elementwise(np.equal),
    "Less": _elementwise(np.less),
    "Greater": _elementwise(np.greater),
    "LessOrEqual": _elementwise(np.less_equal),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Not": _elementwise(np.logical_not),
    "And": _elementwise(np.logical_and),
    "Or": _elementwise(np.logical_or),
    "Xor": _elementwise(np.logical_xor),
    "Where": _elementwise(np.where),
    "NonZero": lambda arrays, _: np.array(np.nonzero(arrays[0]), np.int64),
    "CumSum": _running_sum,
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMean": _reduce(_mean),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
}
