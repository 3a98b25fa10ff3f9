"""Convolution blocks with every geometry that ONNX Runtime runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tests.laws.draft import Array, Draft
from tests.laws.weights import kernel, vector

CHANNELS = (2, 3, 4, 6, 8, 16)
MAX_SIZE = 12


class Axis(NamedTuple):
    """The geometry along one spatial axis."""

    size: int
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    begin: int = 0
    end: int = 0

    @property
    def extent(self) -> int:
        """Number of positions that the dilated kernel covers."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def output(self) -> int:
        """Number of output positions."""
        return (self.size + self.begin + self.end - self.extent) // self.stride + 1


def kept(draw: st.DrawFn, size: int) -> Axis:
    """Draw a geometry that keeps the size."""
    axis = Axis(size, draw(st.sampled_from([3, 1, 2, 5])), 1, draw(st.integers(1, 2)))
    begin = draw(st.integers(0, axis.extent - 1))
    return axis._replace(begin=begin, end=axis.extent - 1 - begin)


def free(draw: st.DrawFn, size: int) -> Axis:
    """Draw any geometry that fits."""
    axis = Axis(size, draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2)))
    pads = st.integers(0, axis.extent - 1)
    axis = axis._replace(begin=draw(pads), end=draw(pads))
    missing = max(0, axis.extent - size - axis.begin - axis.end)
    return axis._replace(end=axis.end + missing)


def attributes(draw: st.DrawFn, axes: Sequence[Axis], group: int) -> dict[str, Any]:
    """Turn a geometry into attributes; defaults may be left out."""
    given: dict[str, tuple[Any, Any]] = {
        "kernel_shape": ([a.kernel for a in axes], None),
        "strides": ([a.stride for a in axes], [1] * len(axes)),
        "dilations": ([a.dilation for a in axes], [1] * len(axes)),
        "pads": ([a.begin for a in axes] + [a.end for a in axes], [0] * 2 * len(axes)),
        "group": (group, 1),
    }
    terse = draw(st.booleans())
    return {
        key: value
        for key, (value, default) in given.items()
        if not (terse and (default is None or value == default))
    }


def axes_of(draft: Draft) -> list[Axis]:
    """Draw one geometry per axis."""
    return [(kept if draft.keep else free)(draft.draw, size) for size in draft.sizes]


def auto_pad(draft: Draft, written: dict[str, Any], axes: list[Axis]) -> list[int]:
    """Draw explicit or automatic padding; return the sizes of the output."""
    same = all(a.dilation == 1 for a in axes)  # ONNX Runtime does not support dilation with SAME
    choices = ["", *(["SAME_UPPER", "SAME_LOWER"] if same else [])]
    fits = all(a.size >= a.extent for a in axes)
    choices += ["VALID"] if fits and not draft.keep else []
    chosen = draft.draw(st.sampled_from(choices))
    if not chosen:
        return [a.output for a in axes]
    written.pop("pads", None)
    written["auto_pad"] = chosen
    if chosen == "VALID":
        return [a._replace(begin=0, end=0).output for a in axes]
    return [-(-a.size // a.stride) for a in axes]


def widths(draft: Draft) -> tuple[int, int]:
    """Draw groups and output channels."""
    channels = draft.channels
    group = draft.draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    if draft.keep:
        return group, channels
    return group, draft.draw(st.sampled_from([n for n in CHANNELS if n % group == 0] or [group]))


def bias(draft: Draft, size: int) -> list[str]:
    """Draw a bias or none."""
    return [vector(draft, size)] if draft.draw(st.booleans()) else []


def conv(draft: Draft) -> None:
    group, outputs = widths(draft)
    axes = axes_of(draft)
    written = attributes(draft.draw, axes, group)
    sizes = auto_pad(draft, written, axes)
    weight = kernel(draft, outputs, draft.channels // group, *(a.kernel for a in axes))
    draft.then("Conv", weight, *bias(draft, outputs), **written)
    draft.shape = (draft.shape[0], outputs, *sizes)


def shared(draft: Draft) -> None:
    """Two convolutions that share a weight."""
    channels = draft.channels
    weight = kernel(draft, channels, channels, *[3] * len(draft.sizes))
    for _ in range(2):
        draft.then("Conv", weight, *bias(draft, channels), pads=[1] * 2 * len(draft.sizes))


def conv_transpose(draft: Draft) -> None:
    group, outputs = widths(draft)
    axes = axes_of(draft)
    written = attributes(draft.draw, axes, group)
    weight = kernel(draft, draft.channels, outputs // group, *(a.kernel for a in axes))
    sizes = [_deconvolved(a) for a in axes]
    if any(not 1 <= size <= MAX_SIZE for size in sizes):
        written.pop("pads", None)
        written["strides"] = [1] * len(axes)
        sizes = [a.size + a.extent - 1 for a in axes]
    elif not draft.keep and draft.draw(st.booleans()):
        extra = [min(a.stride, 2) - 1 for a in axes]
        written["output_padding"] = extra
        sizes = [size + more for size, more in zip(sizes, extra, strict=True)]
    draft.then("ConvTranspose", weight, *bias(draft, outputs), **written)
    draft.shape = (draft.shape[0], outputs, *sizes)


def _deconvolved(axis: Axis) -> int:
    return (axis.size - 1) * axis.stride + axis.extent - axis.begin - axis.end


# quantised


def levels(draft: Draft, array: Array, per_channel: bool) -> tuple[str, str, str]:
    """Store an array as int8 with its scale and zero point."""
    axes = tuple(range(1, array.ndim)) if per_channel else None
    most = np.abs(array.astype(np.float32)).max(axis=axes, keepdims=True)
    scale = np.maximum(most, 1e-3) / np.float32(127)
    quantized = np.round(array / scale).clip(-127, 127).astype(np.int8)
    flat = scale.astype(np.float32).reshape(-1 if per_channel else ())
    zero = np.zeros(flat.shape, np.int8)
    return draft.stored(quantized), draft.stored(flat), draft.stored(zero)


def range_of(draft: Draft) -> tuple[str, str]:
    """Choose scale and zero point of an activation."""
    return draft.stored(np.array(0.04, np.float32)), draft.stored(np.array(128, np.uint8))


def qdq(draft: Draft) -> None:
    """A convolution between QuantizeLinear and DequantizeLinear, as exporters write it."""
    draft.house.quantized = True
    scale, zero = range_of(draft)
    draft.then("QuantizeLinear", scale, zero)
    draft.then("DequantizeLinear", scale, zero)
    per_channel = draft.house.opset >= 13 and draft.draw(st.booleans())
    channels = draft.channels
    array = draft.house.noise(channels, channels, *[3] * len(draft.sizes), scale=0.2)
    axis = {"axis": 0} if per_channel else {}
    (weight,) = draft.node("DequantizeLinear", *levels(draft, array, per_channel), **axis)
    pads = [1] * 2 * len(draft.sizes)
    draft.then("Conv", weight, *bias(draft, channels), pads=pads)


def qlinear(draft: Draft) -> None:
    """A convolution over integers."""
    draft.house.quantized = True
    scale, zero = range_of(draft)
    draft.then("QuantizeLinear", scale, zero)
    channels = draft.channels
    array = draft.house.noise(channels, channels, *[3] * len(draft.sizes), scale=0.2)
    weight = levels(draft, array, draft.draw(st.booleans()))
    pads = [1] * 2 * len(draft.sizes)
    draft.then("QLinearConv", scale, zero, *weight, scale, zero, pads=pads)
    draft.then("DequantizeLinear", scale, zero)


def can_quantize(draft: Draft) -> bool:
    return draft.house.dtype == np.float32 and draft.house.opset >= 10
