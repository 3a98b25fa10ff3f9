"""Gradients through operators that only move elements: slices, gathers, tiles, padding.

The operator itself says where each element of its output came from: it is run on the numbers of the
input's elements, and the gradient of each output element is added to that of its source.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sepcost.network import Layer
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape, first

_LIMITS = ("starts", "ends", "axes")


def moved(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """dx[source(k)] += g[k], over all elements k of the output."""
    numbers, extent = _numbered(tape, layer)
    others = _operands(tape, layer)
    kept = {name: value for name, value in layer.attributes.items() if name not in _LIMITS}
    sources = tape.add(layer.op_type, numbers, *others, **kept)
    return [_returned(tape, first(given), sources, extent)]


def padded(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """As ``moved``; elements of a constant border, 0 there, have no source."""
    mode = layer.attributes.get("mode", "constant")
    pads: Any = layer.attributes.get("pads")
    by = tape.operand(layer.reads[1]) if pads is None else tape.constant(np.array(pads))
    axes = [tape.operand(layer.reads[3])] if len(layer.reads) > 3 and layer.reads[3] else []
    numbers, extent = _numbered(tape, layer)
    sources = tape.add("Pad", numbers, by, "", *axes, mode=mode)
    return [_returned(tape, first(given), sources, extent)]


def cropped(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Crop of the first opset: zeros where the border was."""
    border: Any = layer.attributes["border"]
    if layer.attributes.get("scale"):
        raise NoGradient
    left, top, right, bottom = border
    pads = tape.constant(np.array([0, 0, top, left, 0, 0, bottom, right]))
    return [tape.add("Pad", first(given), pads)]


def _numbered(tape: Tape, layer: Layer) -> tuple[str, str]:
    """The numbers of the first input's elements, from 1, in its shape; and that shape."""
    extent = tape.add("Shape", tape.value(layer.reads[0]))
    one = tape.constant(np.array(1))
    end = tape.add("Add", tape.add("ReduceProd", extent, keepdims=0), one)
    return tape.add("Reshape", tape.add("Range", one, end, one), extent), extent


def _operands(tape: Tape, layer: Layer) -> list[str]:
    """What steers the operator; a Slice before opset 10 keeps it in attributes."""
    if layer.op_type == "Slice" and len(layer.reads) == 1:
        known = [layer.attributes.get(name) for name in _LIMITS]
        return [tape.constant(np.array(one)) for one in known if one is not None]
    if layer.op_type == "Tile" and len(layer.reads) != 2:
        raise NoGradient  # opset 1 took a number of tiles and an axis
    return [tape.operand(name) if name else "" for name in layer.reads[1:]]


def _returned(tape: Tape, gradient: str, sources: str, extent: str) -> str:
    """Add each gradient to its source; what has none adds to place 0, which is cut off."""
    flat, one = (tape.constant(np.array([k])) for k in (-1, 1))
    end = tape.add("Add", tape.add("ReduceProd", extent, keepdims=1), one)
    zeros = tape.add("ConstantOfShape", end)
    parts = [tape.add("Reshape", name, flat) for name in (sources, gradient)]
    whole = tape.add("ScatterElements", zeros, *parts, axis=0, reduction="add")
    return tape.add("Reshape", tape.add("Slice", whole, one, end), extent)


def scattered(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """ScatterND: updates read their places; data keep the gradient wherever they were kept."""
    g, places = first(given), tape.operand(layer.reads[1])
    updates = tape.add("GatherND", g, places)
    how = layer.attributes.get("reduction", "none")
    if how == "add":
        return [g, None, updates]
    if how != "none":
        raise NoGradient
    blank = tape.add("ConstantOfShape", tape.add("Shape", updates))
    return [tape.add("ScatterND", g, places, blank), None, updates]


def chosen(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Where: to the side that was taken."""
    condition, g = tape.operand(layer.reads[0]), first(given)
    zero = tape.constant(0.0)
    sides = (tape.add("Where", condition, g, zero), tape.add("Where", condition, zero, g))
    return [None, *(tape.narrowed(layer, k, side) for k, side in zip((1, 2), sides, strict=True))]
