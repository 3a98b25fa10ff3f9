"""The geometry of every operator that convolves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from sepcost.cost.results import Conventions, Convolution
from sepcost.network import ABSENT, Layer, Shape


@dataclass(frozen=True, slots=True)
class Operands:
    """Positions of an operator's data, weight and bias among its inputs."""

    weight: int = 1
    bias: int = 2
    data: int = 0
    transposed: bool = False
    channels_last: bool = False
    deformable: bool = False
    blocked: bool = False  # the weight is padded to whole blocks of channels


_PLAIN = Operands()
_LAST = Operands(channels_last=True)
_QUANTIZED = Operands(weight=3, bias=8)

#: Every operator that convolves with one weight, by domain and op_type. Their MACs and element
#: operations follow (see ``cost.operators``).
CONVOLUTIONS: Mapping[tuple[str, str], Operands] = {
    ("", "Conv"): _PLAIN,
    ("", "ConvInteger"): Operands(bias=-1),
    ("", "ConvTranspose"): Operands(transposed=True),
    ("", "DeformConv"): Operands(bias=3, deformable=True),
    ("", "QLinearConv"): _QUANTIZED,
    ("com.microsoft", "ConvTransposeWithDynamicPads"): Operands(bias=3, transposed=True),
    ("com.microsoft", "FusedConv"): _PLAIN,
    ("com.microsoft", "NhwcConv"): _LAST,
    ("com.microsoft", "NhwcFusedConv"): _LAST,
    ("com.microsoft", "QLinearConv"): _QUANTIZED,
    ("com.microsoft.nchwc", "Conv"): Operands(blocked=True),
    ("com.ms.internal.nhwc", "Conv"): _LAST,
    ("com.ms.internal.nhwc", "ConvTranspose"): Operands(transposed=True, channels_last=True),
    ("com.ms.internal.nhwc", "QLinearConv"): Operands(weight=3, bias=8, channels_last=True),
    ("com.ms.internal.nhwc", "QLinearConvTranspose"): Operands(
        weight=3, bias=8, transposed=True, channels_last=True
    ),
}


def key(layer: Layer) -> tuple[str, str]:
    """Domain and op_type as in the tables: the default domain has two spellings."""
    return ("" if layer.domain == "ai.onnx" else layer.domain, layer.op_type)


def operands(layer: Layer) -> Operands | None:
    """Positions of data, weight and bias; None if the layer does not convolve."""
    return CONVOLUTIONS.get(key(layer))


def given(shapes: Sequence[Shape], position: int) -> bool:
    """Whether an optional input is present and has a known shape."""
    return 0 <= position < len(shapes) and shapes[position] != ABSENT


def ints(layer: Layer, name: str) -> Shape | None:
    """Return an attribute of integers; None if it is missing or empty."""
    value = layer.attributes.get(name)
    if isinstance(value, tuple) and value:
        return tuple(int(item) for item in value)
    return None


def integer(layer: Layer, name: str, default: int) -> int:
    """Return an integer attribute, or the default."""
    value = layer.attributes.get(name, default)
    return value if isinstance(value, int) else default


def convolution(layer: Layer, conventions: Conventions | None = None) -> Convolution | None:
    """Describe the convolution that a layer computes.

    Parameters
    ----------
    layer
        Any layer; ``auto_pad``, missing strides, dilations and kernel_shape are resolved.
    conventions
        With ``conv_transpose == "output"``, transposed ones are counted at output positions.

    Returns
    -------
    Convolution or None
        None if the layer does not convolve, or if the shapes of data, weight and output are
        unknown or differ in rank.
    """
    where = operands(layer)
    if where is None or not _known(layer, where):
        return None
    weight = layer.inputs[where.weight]
    rank, group = len(weight) - 2, integer(layer, "group", 1)
    source, target = layer.inputs[where.data], layer.outputs[0]
    outputs = target[0] * prod(spatial(layer, target))
    at_input = where.transposed and (conventions or Conventions()).conv_transpose == "input"
    return Convolution(
        kernel=weight[2:],
        strides=ints(layer, "strides") or (1,) * rank,
        dilations=ints(layer, "dilations") or (1,) * rank,
        pads=_pads(layer, where),
        group=group,
        in_channels=weight[0] if where.transposed else weight[1] * group,
        out_channels=weight[1] * group if where.transposed else weight[0],
        positions=source[0] * prod(spatial(layer, source)) if at_input else outputs,
        pointwise_positions=outputs,
        transposed=where.transposed,
    )


def _known(layer: Layer, where: Operands) -> bool:
    if not (
        given(layer.inputs, where.data)
        and given(layer.inputs, where.weight)
        and given(layer.outputs, 0)
    ):
        return False
    rank = len(layer.inputs[where.weight])
    return rank > 2 and len(layer.inputs[where.data]) == len(layer.outputs[0]) == rank


def spatial(layer: Layer, shape: Shape) -> Shape:
    """The spatial sizes in the shape of a layer's data or output."""
    return shape[1:-1] if channels_last(layer) else shape[2:]


def channels_last(layer: Layer) -> bool:
    """Whether the last axis of data and output holds the channels."""
    where = operands(layer)
    return bool(where and where.channels_last) or bool(integer(layer, "channels_last", 0))


def _pads(layer: Layer, where: Operands) -> Shape:
    """Padding at the begin of each axis, then at the end; derived from the output for auto_pad.

    Conv takes ``(out - 1) * stride + span - in`` and ConvTranspose
    ``(in - 1) * stride + output_padding + span - out`` for each axis, with
    ``span = (kernel - 1) * dilation + 1`` (ONNX operator specification).
    """
    kernel = layer.inputs[where.weight][2:]
    mode = layer.attributes.get("auto_pad") or "NOTSET"
    from_output = where.transposed and ints(layer, "output_shape") is not None
    if mode == "VALID" or (mode == "NOTSET" and not from_output):
        return (mode == "NOTSET" and ints(layer, "pads")) or (0,) * (2 * len(kernel))
    small = spatial(layer, layer.inputs[where.data])
    large = spatial(layer, layer.outputs[0])
    if not where.transposed:
        small, large = large, small
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    axes = zip(
        small,
        large,
        kernel,
        ints(layer, "strides") or ones,
        ints(layer, "dilations") or ones,
        ints(layer, "output_padding") or zeros,
        strict=False,
    )
    totals = [
        max(0, (s - 1) * stride + out + (k - 1) * d + 1 - g) for s, g, k, stride, d, out in axes
    ]
    halves = [total // 2 for total in totals]
    rest = [total - half for total, half in zip(totals, halves, strict=True)]
    lower = mode == "SAME_LOWER" or (where.transposed and mode == "NOTSET")
    return tuple(rest + halves) if lower else tuple(halves + rest)
