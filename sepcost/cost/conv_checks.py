"""Checks that a convolution's attributes, weight and data fit together."""

from __future__ import annotations

from sepcost.cost.geometry import Operands, channels_last, given, integer, ints, operands, spatial
from sepcost.errors import ModelError
from sepcost.network import Layer

#: Valid values of auto_pad; an empty one means NOTSET.
AUTO_PAD = ("", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def check(layer: Layer) -> None:
    """Refuse a convolution that no runtime could execute.

    Unknown shapes are skipped, so the check can run before and after shape inference. A layer that
    does not convolve passes.

    Raises
    ------
    ModelError
        The message names the node, the attribute and its valid values.
    """
    where = operands(layer)
    if where is None:
        return
    _check_attributes(layer)
    if given(layer.inputs, where.weight):
        _check_weight(layer, where)
        if given(layer.inputs, where.data):
            _check_data(layer, where)


def _refuse(layer: Layer, problem: str) -> ModelError:
    return ModelError(f"{layer.op_type} {layer.name or layer.id!r}: {problem}")


def _check_attributes(layer: Layer) -> None:
    for name in ("strides", "dilations", "kernel_shape"):
        values = ints(layer, name)
        if values is not None and min(values) < 1:
            raise _refuse(layer, f"{name} {list(values)} must all be at least 1")
    group = integer(layer, "group", 1)
    if group < 1:
        raise _refuse(layer, f"group {group} must be at least 1")
    mode = layer.attributes.get("auto_pad", "")
    if mode not in AUTO_PAD:
        raise _refuse(layer, f"auto_pad {mode!r} is not one of {', '.join(AUTO_PAD[1:])}")


def _check_weight(layer: Layer, where: Operands) -> None:
    weight, group = layer.inputs[where.weight], integer(layer, "group", 1)
    if len(weight) < 3:
        raise _refuse(layer, f"its weight of shape {list(weight)} has no spatial axes")
    kernel = ints(layer, "kernel_shape")
    if kernel is not None and kernel != weight[2:]:
        raise _refuse(
            layer, f"kernel_shape {list(kernel)} does not match its weight {list(weight)}"
        )
    rank = len(weight) - 2
    for name, length in (("strides", rank), ("dilations", rank), ("pads", 2 * rank)):
        values = ints(layer, name)
        if values is not None and len(values) != length:
            raise _refuse(layer, f"{name} {list(values)} must have {length} values")
    if weight[0] % group:
        side = "input" if where.transposed else "output"
        raise _refuse(layer, f"{weight[0]} {side} channels cannot be split into {group} groups")


def _check_data(layer: Layer, where: Operands) -> None:
    data, weight = layer.inputs[where.data], layer.inputs[where.weight]
    if len(data) != len(weight):
        raise _refuse(layer, f"its input {list(data)} and weight {list(weight)} differ in rank")
    channels = data[-1] if channels_last(layer) else data[1]
    group = integer(layer, "group", 1)
    wanted = weight[0] if where.transposed else weight[1] * group
    if channels != wanted and not (where.blocked and channels < wanted):
        groups = f" in {group} groups" if group > 1 else ""
        raise _refuse(
            layer,
            f"its input has {channels} channels, but its weight {list(weight)}{groups} needs "
            f"{wanted}",
        )
    if not where.transposed:
        _check_extent(layer, where)


def _check_extent(layer: Layer, where: Operands) -> None:
    """Refuse a kernel that is larger than the padded input."""
    kernel = layer.inputs[where.weight][2:]
    mode = layer.attributes.get("auto_pad") or "NOTSET"
    if mode not in ("NOTSET", "VALID"):
        return
    pads = (ints(layer, "pads") if mode == "NOTSET" else None) or (0,) * (2 * len(kernel))
    dilations = ints(layer, "dilations") or (1,) * len(kernel)
    sizes = spatial(layer, layer.inputs[where.data])
    for axis, (size, side, dilation) in enumerate(zip(sizes, kernel, dilations, strict=True)):
        padded = size + pads[axis] + pads[axis + len(kernel)]
        span = (side - 1) * dilation + 1
        if span > padded:
            raise _refuse(
                layer, f"its kernel spans {span} on axis {axis}, but the padded input only {padded}"
            )
