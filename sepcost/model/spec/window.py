"""Kernel, stride, padding and dilation of a layer, checked against its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sepcost.model.spec.call import Call
from sepcost.model.spec.graph import Tensor
from sepcost.model.spec.lines import FaultError
from sepcost.model.spec.values import sizes, word
from sepcost.network import Shape


@dataclass(frozen=True, slots=True)
class Window:
    """A kernel that slides over the spatial axes; every size is per axis."""

    kernel: Shape
    stride: Shape
    dilation: Shape
    pads: Shape  # begins, then ends
    positions: Shape


def slide(call: Call, source: Tensor, kernel: object, stride: object, padding: str) -> Window:
    """Slide a kernel over the spatial axes; 'same' pads to ``ceil(size / stride)`` positions."""
    axes, at = source.axes, call.layer.at
    if not axes:
        raise call.fault("needs an input with spatial axes, but its input is flat")
    kernels = sizes(call.option("kernel", kernel), axes, at("kernel"))
    strides = sizes(call.option("stride", stride), axes, at("stride"))
    dilations = sizes(call.option("dilation", 1), axes, at("dilation"))
    spans = [(k - 1) * d + 1 for k, d in zip(kernels, dilations, strict=True)]
    begins, ends = _pads(call, padding, source.shape[1:], spans, strides)
    positions = []
    for size, span, step, begin, end in zip(
        source.shape[1:], spans, strides, begins, ends, strict=True
    ):
        if span > size + begin + end:
            raise FaultError(
                at("kernel") if "kernel" in call.layer.options else at(call.layer.kind),
                f"a kernel that spans {span} positions is larger than the padded input of "
                f"{size + begin + end}",
            )
        positions.append((size + begin + end - span) // step + 1)
    return Window(kernels, strides, dilations, (*begins, *ends), tuple(positions))


def _pads(
    call: Call, default: str, shape: Shape, spans: Sequence[int], strides: Shape
) -> tuple[Shape, Shape]:
    padding, place = call.option("padding", default), call.layer.at("padding")
    if isinstance(padding, str):
        if word(padding, ("same", "valid"), place) == "valid":
            return (0,) * len(shape), (0,) * len(shape)
        totals = [
            max(0, (-(-size // step) - 1) * step + span - size)
            for size, step, span in zip(shape, strides, spans, strict=True)
        ]
        return tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
    if isinstance(padding, list) and len(padding) == 2 * len(shape):
        both = sizes(padding, 2 * len(shape), place, low=0)
        return both[: len(shape)], both[len(shape) :]
    pads = sizes(padding, len(shape), place, low=0)
    return pads, pads
