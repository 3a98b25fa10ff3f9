"""Gradients of operators that only move elements: they are moved back."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from sepcost.network import Layer, Shape
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape, first, number


def reshaped(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Reshape back to the input's shape."""
    return [tape.like(first(given), layer.reads[0])]


def transposed(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Apply the inverse permutation."""
    rank = len(layer.inputs[0])
    order = layer.attributes.get("perm", tuple(reversed(range(rank))))
    assert isinstance(order, tuple)
    return [tape.add("Transpose", first(given), perm=[int(k) for k in np.argsort(order)])]


def parted(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Concat: slice out the part of each input."""
    axis = int(number(layer, "axis", 1))
    ends = np.cumsum([shape[axis] for shape in layer.inputs])
    if axis == 0:
        raise NoGradient  # axis 0 holds the samples
    return [
        tape.add(
            "Slice",
            first(given),
            *(tape.constant(np.array([k])) for k in (end - shape[axis], end, axis)),
        )
        for end, shape in zip(ends, layer.inputs, strict=True)
    ]


def joined(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Split: concatenate the parts, with zeros for those without a gradient."""
    parts = [
        tape.add("ConstantOfShape", tape.add("Shape", tape.value(name))) if g is None else g
        for name, g in zip(layer.writes, given, strict=True)
    ]
    return [tape.add("Concat", *parts, axis=int(number(layer, "axis", 0)))]


def cropped(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Pad with zeros: crop the padding."""
    if layer.attributes.get("mode", "constant") != "constant" or len(layer.reads) > 3:
        raise NoGradient
    pads: Any = layer.attributes.get("pads")
    if pads is None and len(layer.reads) > 1:
        pads = tape.stored(layer.reads[1])
    if pads is None:
        raise NoGradient
    rank = len(layer.inputs[0])
    before = np.asarray(pads)[:rank]
    ends = np.where(np.arange(rank) == 0, np.iinfo(np.int64).max, before + layer.inputs[0])
    return [tape.add("Slice", first(given), tape.constant(before), tape.constant(ends))]


def gathered(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Upsampling by integer factors: an element sums the gradients of its copies or neighbours."""
    factors = [b // a for a, b in zip(layer.inputs[0], layer.outputs[0], strict=True)]
    if _scaled(layer.inputs[0], factors) != layer.outputs[0] or factors[:2] != [1, 1]:
        raise NoGradient
    whole = tape.constant(float(prod(factors)))
    taps = factors[2:]
    pooled = tape.add("AveragePool", first(given), kernel_shape=taps, strides=taps)
    return [tape.add("Mul", pooled, whole)]


def _scaled(shape: Shape, factors: Sequence[int]) -> Shape:
    return tuple(a * k for a, k in zip(shape, factors, strict=True))


def space(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """DepthToSpace and SpaceToDepth are inverses; mode CRD orders the channels differently."""
    block = int(number(layer, "blocksize", 1))
    if layer.op_type == "SpaceToDepth":
        return [tape.add("DepthToSpace", first(given), blocksize=block)]
    blocks = tape.add("SpaceToDepth", first(given), blocksize=block)
    if layer.attributes.get("mode", "DCR") == "DCR":
        return [blocks]
    _, channels, height, width = layer.outputs[0]
    parts = np.array([0, block**2, channels, height // block, width // block])
    apart = tape.add("Reshape", blocks, tape.constant(parts))
    turned = tape.add("Transpose", apart, perm=[0, 2, 1, 3, 4])
    return [tape.like(turned, layer.reads[0])]
