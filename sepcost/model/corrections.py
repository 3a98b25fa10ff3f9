"""Corrections of ONNX's own shape inference where runtimes differ; these follow ONNX Runtime.

* Pooling below opset 22: with ``ceil_mode``, a last window that would start in the padding after
  the data is left out; SAME padding ignores dilation.
* ConvTranspose: SAME padding makes the output ``size * stride``, regardless of ``output_padding``.
* STFT: ``onesided`` is 1 by default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import onnx
from onnx import AttributeProto, TypeProto

from sepcost.cost.conv_checks import AUTO_PAD
from sepcost.model.graphs import attribute_value
from sepcost.model.values import Known, static_shape, tensor_type, text
from sepcost.network import Shape

POOLS = frozenset({"AveragePool", "LpPool", "MaxPool"})


def complete(node: onnx.NodeProto) -> None:
    """Add the default values for which inference assumes others."""
    if node.op_type == "STFT" and all(a.name != "onesided" for a in node.attribute):
        node.attribute.append(AttributeProto(name="onesided", type=AttributeProto.INT, i=1))


def corrected(
    node: onnx.NodeProto, inputs: Sequence[Known | None], types: list[TypeProto]
) -> list[TypeProto]:
    """Return the types of a node's outputs, with those of windows corrected.

    Raises
    ------
    ValueError
        If auto_pad has an invalid value.
    """
    if node.op_type not in {*POOLS, "ConvTranspose"}:
        return types
    attributes = {a.name: attribute_value(a) for a in node.attribute if a.type}
    _check_auto_pad(text(attributes.get("auto_pad", "")))
    source = inputs[0].shape if inputs and inputs[0] else None
    if node.op_type == "ConvTranspose":
        shape = _scattered(source, static_shape(types[0]), attributes)
    elif source is not None and len(attributes.get("kernel_shape", ())) == len(source) - 2:
        shape = pooled(source, attributes)
    else:
        shape = None
    if shape is None:
        return types
    return [tensor_type(type_.tensor_type.elem_type, shape) for type_ in types]


def _scattered(
    source: Shape | None, inferred: Shape | None, attributes: dict[str, Any]
) -> Shape | None:
    """Return the output shape of a ConvTranspose with SAME padding; else None."""
    if source is None or inferred is None or "output_shape" in attributes:
        return None
    if "SAME" not in text(attributes.get("auto_pad", "")):
        return None
    strides = attributes.get("strides") or [1] * (len(source) - 2)
    spatial = (size * stride for size, stride in zip(source[2:], strides, strict=True))
    return (*inferred[:2], *spatial)


def _check_auto_pad(mode: str) -> None:
    if mode not in AUTO_PAD:
        raise ValueError(f"auto_pad {mode!r} is not one of {', '.join(AUTO_PAD[1:])}")


class _Axis(NamedTuple):
    size: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    end: int


def pooled(source: Shape, attributes: Mapping[str, Any]) -> Shape:
    """Return the output shape of pooling [N, C, *spatial].

    ``(size + pads - span) / stride + 1`` on each axis, with ``span = (kernel - 1) * dilation + 1``.
    """
    rank = len(source) - 2
    mode = text(attributes.get("auto_pad", ""))
    pads = attributes.get("pads") if mode in {"", "NOTSET"} else None
    pads = pads or [0] * (2 * rank)
    ones = [1] * rank
    axes = map(
        _Axis,
        source[2:],
        attributes["kernel_shape"],
        attributes.get("strides") or ones,
        attributes.get("dilations") or ones,
        pads[:rank],
        pads[rank:],
    )
    ceil = bool(attributes.get("ceil_mode"))
    return (
        *source[:2],
        *(_windows(_same(axis) if "SAME" in mode else axis, ceil) for axis in axes),
    )


def _same(axis: _Axis) -> _Axis:
    """Pad so that the windows cover the data, ignoring dilation."""
    total = (-(-axis.size // axis.stride) - 1) * axis.stride + axis.kernel - axis.size
    return axis._replace(begin=total // 2, end=total - total // 2)


def _windows(axis: _Axis, ceil: bool) -> int:
    rest = axis.size + axis.begin + axis.end - axis.dilation * (axis.kernel - 1) - 1
    if not ceil:
        return rest // axis.stride + 1
    count = -(-rest // axis.stride) + 1
    return count - ((count - 1) * axis.stride >= axis.size + axis.begin)
