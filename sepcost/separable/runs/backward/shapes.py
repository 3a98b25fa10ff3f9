"""Gradients through what only moves elements: they are moved back."""

from __future__ import annotations

import numpy as np

from sepcost.network import Layer
from sepcost.separable.runs.backward.tape import Grads, Tape, first, number


def reshaped(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Back to the shape of the input."""
    return [tape.like(first(given), layer.reads[0])]


def transposed(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """By the inverse permutation."""
    rank = len(layer.inputs[0])
    order = layer.attributes.get("perm", tuple(reversed(range(rank))))
    assert isinstance(order, tuple)
    return [tape.add("Transpose", first(given), perm=[int(k) for k in np.argsort(order)])]


def parted(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """To each input its own piece, as long as it is in this run: axis 0 counts samples."""
    axis = int(number(layer, "axis", 1))
    place = tape.constant(np.array([axis]))
    if axis % len(layer.outputs[0]):
        lengths = tape.constant(np.array([shape[axis] for shape in layer.inputs]))
    else:
        extents = [tape.add("Shape", tape.value(name)) for name in layer.reads]
        lengths = tape.add("Concat", *(tape.add("Gather", one, place) for one in extents), axis=0)
    return tape.several(len(layer.reads), "Split", first(given), lengths, axis=axis)


def joined(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """The pieces side by side; zeros for those that lead nowhere."""
    parts = [
        tape.add("ConstantOfShape", tape.add("Shape", tape.value(name))) if g is None else g
        for name, g in zip(layer.writes, given, strict=True)
    ]
    return [tape.add("Concat", *parts, axis=int(number(layer, "axis", 0)))]


def space(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """DepthToSpace and SpaceToDepth undo each other; CRD is another order of the channels."""
    block = int(number(layer, "blocksize", 1))
    if layer.op_type == "SpaceToDepth":
        return [tape.add("DepthToSpace", first(given), blocksize=block)]
    found = tape.add("SpaceToDepth", first(given), blocksize=block)
    if layer.attributes.get("mode", "DCR") == "DCR":
        return [found]
    _, channels, height, width = layer.outputs[0]
    parts = np.array([0, block**2, channels, height // block, width // block])
    apart = tape.add("Reshape", found, tape.constant(parts))
    turned = tape.add("Transpose", apart, perm=[0, 2, 1, 3, 4])
    return [tape.like(turned, layer.reads[0])]
