"""Gradients through reductions, and through normalisations that reduce on the way."""

from __future__ import annotations

from math import ceil, floor, prod
from typing import Any

import numpy as np

from sepcost.network import Layer
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape, first, number


def summed_up(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """ReduceSum: g at every element that was summed."""
    return [_spread(tape, layer, first(given))]


def averaged(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """ReduceMean and global pooling: g / n at each of n elements."""
    share = 1 / prod(layer.inputs[0][axis] for axis in _axes(tape, layer))
    return [tape.add("Mul", _spread(tape, layer, first(given)), tape.constant(share))]


def largest(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """ReduceMax and ReduceMin: to the elements that equal the result."""
    y = _spread(tape, layer, tape.value(layer.writes[0]))
    same = tape.add("Cast", tape.add("Equal", tape.value(layer.reads[0]), y), to=1)
    return [tape.add("Mul", _spread(tape, layer, first(given)), same)]


def length(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """ReduceL2: g·x / y."""
    over = tape.add("Div", first(given), tape.value(layer.writes[0]))
    return [tape.add("Mul", _spread(tape, layer, over), tape.value(layer.reads[0]))]


def squared_length(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """ReduceSumSquare: 2·g·x."""
    twice = tape.add("Mul", first(given), tape.constant(2.0))
    return [tape.add("Mul", _spread(tape, layer, twice), tape.value(layer.reads[0]))]


def _axes(tape: Tape, layer: Layer) -> tuple[int, ...]:
    """The axes that a layer reduces over: an attribute, a stored input, or all."""
    rank = len(layer.inputs[0])
    if layer.op_type.startswith("Global"):
        return tuple(range(2, rank))
    axes: Any = layer.attributes.get("axes")
    if axes is None and len(layer.reads) > 1 and layer.reads[1]:
        axes = tape.stored(layer.reads[1])
        if axes is None:
            raise NoGradient
    if axes is None:
        return () if layer.attributes.get("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(int(axis) % rank for axis in axes)


def _spread(tape: Tape, layer: Layer, reduced: str) -> str:
    """Repeat a reduced tensor along the axes that it was reduced over."""
    x, axes = tape.value(layer.reads[0]), _axes(tape, layer)
    extent = tape.add("Shape", x)
    places = tape.constant(np.array(axes, np.int64).reshape(-1, 1))
    ones = tape.constant(np.ones(len(axes), np.int64))
    kept = tape.add("ScatterND", extent, places, ones)
    return tape.add("Expand", tape.add("Reshape", reduced, kept), extent)


def layer_normalization(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """(h - mean h - u·mean(h·u)) / d, with h = scale·g, u = (x - mean x) / d over the last axes."""
    if any(one is not None for one in given[1:]):
        raise NoGradient
    rank = len(layer.inputs[0])
    axes = tape.constant(np.arange(int(number(layer, "axis", -1)) % rank, rank))

    def mean(name: str) -> str:
        return tape.add("ReduceMean", name, axes, keepdims=1)

    x = tape.value(layer.reads[0])
    h = tape.add("Mul", first(given), tape.value(layer.reads[1]))
    away = tape.add("Sub", x, mean(x))
    epsilon = tape.constant(number(layer, "epsilon", 1e-5))
    spread = tape.add("Sqrt", tape.add("Add", mean(tape.add("Mul", away, away)), epsilon))
    unit = tape.add("Div", away, spread)
    along = tape.add("Mul", unit, mean(tape.add("Mul", h, unit)))
    kept = tape.add("Sub", tape.add("Sub", h, mean(h)), along)
    return [tape.add("Div", kept, spread)]


def local_response(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """LRN, y = x·d^-b with d = k + a/n·W(x²): g·d^-b - 2·a·b/n·x·Wᵀ(g·x·d^(-b-1))."""
    size, channels = int(number(layer, "size", 1)), layer.inputs[0][1]
    alpha, beta = number(layer, "alpha", 1e-4), number(layer, "beta", 0.75)
    gap = np.subtract.outer(np.arange(channels), np.arange(channels))  # reader less what it reads
    window = (gap <= floor((size - 1) / 2)) & (gap >= -ceil((size - 1) / 2))
    band = window.astype(np.float32)[:, :, None, None]
    if len(layer.inputs[0]) != 4:
        raise NoGradient
    x, g = tape.value(layer.reads[0]), first(given)
    near = tape.add("Conv", tape.add("Mul", x, x), tape.constant(band))
    scaled = tape.add("Mul", near, tape.constant(alpha / size))
    d = tape.add("Add", scaled, tape.constant(number(layer, "bias", 1.0)))
    straight = tape.add("Mul", g, tape.add("Pow", d, tape.constant(-beta)))
    steep = tape.add("Pow", d, tape.constant(-beta - 1))
    inner = tape.add("Mul", tape.add("Mul", g, x), steep)
    around = tape.add("Conv", inner, tape.constant(band.transpose(1, 0, 2, 3)))
    aside = tape.add("Mul", tape.add("Mul", x, around), tape.constant(2 * alpha * beta / size))
    return [tape.add("Sub", straight, aside)]
