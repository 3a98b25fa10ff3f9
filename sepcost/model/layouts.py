"""Shapes in the layouts that ONNX Runtime rewrites models to: channels last, channels in blocks."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TypeProto

from sepcost.model.rules import (
    Attributes,
    Inputs,
    Rule,
    as_type,
    ask_relative,
    at,
    channels_last,
    elem_type,
    like,
    namesake,
    shapes,
    typed,
)
from sepcost.model.values import Known, tensor_type

MICROSOFT = "com.microsoft"
NCHWC = "com.microsoft.nchwc"
NHWC = "com.ms.internal.nhwc"


def _blocked_conv(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Conv whose weight is padded to whole blocks of channels, as is its data."""
    found = shapes(inputs, 0, 1)
    if found is None or min(map(len, found)) < 3:
        return []
    data, weight = found
    padded = (data[0], weight[1] * attrs.get("group", 1), *data[2:])
    known = Known("", tensor_type(elem_type(inputs, 0), padded))
    return ask_relative("Conv", [known, at(inputs, 1), at(inputs, 2)], attrs)


def _to_blocks(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """ReorderInput: [N, C, *spatial] from that or from [N, *spatial, C]."""
    found = shapes(inputs, 0)
    if found is None or len(found[0]) < 3 or not attrs.get("channels_last"):
        return like(0)(inputs, attrs)
    batch, *spatial, channels = found[0]
    return typed(inputs, (batch, channels, *spatial))


def _from_blocks(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """ReorderOutput: only the first ``channels``, and last where it says so."""
    found = shapes(inputs, 0)
    if found is None or len(found[0]) < 3:
        return []
    batch, channels, *spatial = found[0]
    channels = attrs.get("channels") or channels
    last = attrs.get("channels_last")
    return typed(inputs, (batch, *spatial, channels) if last else (batch, channels, *spatial))


def _upsample(inputs: Inputs, attrs: Attributes) -> list[TypeProto]:
    """Every axis times its scale, a whole number."""
    found, scales = shapes(inputs, 0), attrs.get("scales") or ()
    if found is None or len(scales) != len(found[0]):
        return []
    sizes = zip(found[0], scales, strict=True)
    return typed(inputs, tuple(int(size * scale) for size, scale in sizes))


def _quantized_conv(*, always: bool) -> Rule:
    """QLinearConv: data, weight and bias among scales; typed as the output's zero point."""
    return as_type(channels_last("Conv", 0, 3, 8, always=always), of=7)


_LAST: Mapping[str, Rule] = {
    "Conv": channels_last("Conv", 0, 1, 2),
    "ConvTranspose": channels_last("ConvTranspose", 0, 1, 2),
    "QLinearConv": _quantized_conv(always=True),
    "QLinearConvTranspose": as_type(channels_last("ConvTranspose", 0, 3, 8), of=7),
    **{
        name: channels_last(name, 0)
        for name in (
            "AveragePool", "DepthToSpace", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool",
            "LpPool", "MaxPool", "SpaceToDepth",
        )
    },
    "QLinearAveragePool": channels_last("AveragePool", 0),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization", "LRN"), like(0)),
}  # fmt: skip

#: Part of ``contrib.RULES``.
LAYOUTS: Mapping[tuple[str, str], Rule] = {
    (MICROSOFT, "QLinearConv"): _quantized_conv(always=False),
    (MICROSOFT, "QLinearAveragePool"): channels_last("AveragePool", 0, always=False),
    (MICROSOFT, "QLinearGlobalAveragePool"): channels_last("GlobalAveragePool", 0, always=False),
    (MICROSOFT, "NhwcConv"): channels_last("Conv", 0, 1, 2),
    (MICROSOFT, "NhwcFusedConv"): channels_last("Conv", 0, 1, 2),
    (MICROSOFT, "NhwcMaxPool"): channels_last("MaxPool", 0),
    (NCHWC, "Conv"): _blocked_conv,
    (NCHWC, "ReorderInput"): _to_blocks,
    (NCHWC, "ReorderOutput"): _from_blocks,
    (NCHWC, "Upsample"): _upsample,
    **{
        (NCHWC, name): namesake(name)
        for name in ("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool")
    },
    **{(NHWC, name): rule for name, rule in _LAST.items()},
}
