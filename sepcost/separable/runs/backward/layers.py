"""Gradients of layers with weights, of normalisation and of pooling."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from sepcost.cost.geometry import convolution
from sepcost.network import Layer
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape, first, number


def convolved(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """The transposed convolution, and for a transposed one the convolution."""
    return [_turned(tape, layer, tape.value(layer.reads[1]), first(given))]


def _turned(tape: Tape, layer: Layer, weight: str, gradient: str) -> str:
    shape = convolution(layer)
    if shape is None:
        raise NoGradient
    place: dict[str, Any] = {
        "strides": shape.strides,
        "dilations": shape.dilations,
        "pads": shape.pads,
        "group": shape.group,
    }
    if shape.transposed:
        return tape.add("Conv", gradient, weight, **place)
    spatial = len(shape.kernel)
    rest = [
        size - ((out - 1) * stride - begin - end + (taps - 1) * dilation + 1)
        for size, out, stride, begin, end, taps, dilation in zip(
            layer.inputs[0][2:],
            layer.outputs[0][2:],
            shape.strides,
            shape.pads[:spatial],
            shape.pads[spatial:],
            shape.kernel,
            shape.dilations,
            strict=True,
        )
    ]
    return tape.add("ConvTranspose", gradient, weight, output_padding=rest, **place)


def average_pool(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """As for a depthwise convolution with equal weights; padding counts towards the mean."""
    kernel = layer.attributes["kernel_shape"]
    assert isinstance(kernel, tuple)
    channels, taps = layer.inputs[0][1], [int(k) for k in kernel]
    names = ("strides", "dilations", "pads", "auto_pad")
    placed = {name: value for name, value in layer.attributes.items() if name in names}
    twin = replace(
        layer,
        op_type="Conv",
        inputs=(layer.inputs[0], (channels, 1, *taps)),
        attributes={"group": channels, **placed},
    )
    if layer.attributes.get("ceil_mode", 0):
        raise NoGradient
    equal = tape.constant(np.full((channels, 1, *taps), 1 / prod(taps)))
    return [_turned(tape, twin, equal, first(given))]


def gemm(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """g·Bᵀ, for a constant B."""
    known = layer.attributes
    if known.get("transA", 0) or 1 not in layer.weights:
        raise NoGradient
    alpha, turned = known.get("alpha", 1.0), int(not known.get("transB", 0))
    return [tape.add("Gemm", first(given), tape.value(layer.reads[1]), alpha=alpha, transB=turned)]


def matmul(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """g·Bᵀ and Aᵀ·g."""
    (a, b), g = layer.inputs[:2], first(given)
    if min(len(a), len(b)) < 2 or (len(b) > 2 and a[:-2] != b[:-2]):
        raise NoGradient
    whole = tape.add("MatMul", g, _swapped(tape, tape.value(layer.reads[1]), len(b)))
    if 1 in layer.weights:
        return [whole]
    if a[:-2] != b[:-2]:
        raise NoGradient
    return [whole, tape.add("MatMul", _swapped(tape, tape.value(layer.reads[0]), len(a)), g)]


def _swapped(tape: Tape, name: str, rank: int) -> str:
    return tape.add("Transpose", name, perm=[*range(rank - 2), rank - 1, rank - 2])


def batch_normalization(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """The gradient times the scale of its channel."""
    if layer.attributes.get("training_mode", 0):
        raise NoGradient
    scale, variance = (tape.value(layer.reads[k]) for k in (1, 4))
    factor = tape.add("Div", scale, _deviation(tape, layer, variance))
    return [tape.add("Mul", first(given), _by_channel(tape, layer, factor))]


def _deviation(tape: Tape, layer: Layer, variance: str) -> str:
    epsilon = tape.constant(number(layer, "epsilon", 1e-5))
    return tape.add("Sqrt", tape.add("Add", variance, epsilon))


def _by_channel(tape: Tape, layer: Layer, vector: str) -> str:
    """[C] as [C, 1, ...], which broadcasts to the layer's input."""
    along = tape.constant(np.array([-1, *[1] * (len(layer.inputs[0]) - 2)]))
    return tape.add("Reshape", vector, along)


def instance_normalization(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """s/d·(g - mean g - u·mean(g·u)), deviation d, u = (x - mean x)/d, means over positions."""
    axes = tape.constant(np.arange(2, len(layer.inputs[0])))

    def mean(name: str) -> str:
        return tape.add("ReduceMean", name, axes, keepdims=1)

    x, g = tape.value(layer.reads[0]), first(given)
    away = tape.add("Sub", x, mean(x))
    spread = _deviation(tape, layer, mean(tape.add("Mul", away, away)))
    unit = tape.add("Div", away, spread)
    kept = tape.add(
        "Sub", tape.add("Sub", g, mean(g)), tape.add("Mul", unit, mean(tape.add("Mul", g, unit)))
    )
    scale = _by_channel(tape, layer, tape.value(layer.reads[1]))
    return [tape.add("Div", tape.add("Mul", kept, scale), spread)]


def max_pool(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Each gradient goes to the position of its maximum; overlapping windows add up."""
    x = tape.value(layer.reads[0])
    _, places = tape.several(2, "MaxPool", x, **dict(layer.attributes))
    flat = tape.constant(np.array([-1]))
    extent = tape.add("Shape", x)
    zeros = tape.add("ConstantOfShape", tape.add("ReduceProd", extent, keepdims=1))
    parts = [tape.add("Reshape", name, flat) for name in (places, first(given))]
    whole = tape.add("ScatterElements", zeros, *parts, axis=0, reduction="add")
    return [tape.add("Reshape", whole, extent)]


def spread(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Sums and means, global pooling among them: spread evenly over the inputs."""
    own, left = layer.inputs[0], layer.outputs[0]
    share = prod(left) / prod(own) if layer.op_type != "ReduceSum" else 1.0
    if len(left) != len(own) and left != own[: len(left)] + own[len(own) :]:
        raise NoGradient  # the shapes do not show which axes in the middle were removed
    g = tape.add("Mul", first(given), tape.constant(share))
    if len(left) != len(own):
        along = np.array([0, *left[1:], *[1] * (len(own) - len(left))])
        g = tape.add("Reshape", g, tape.constant(along))
    return [tape.add("Expand", g, tape.add("Shape", tape.value(layer.reads[0])))]
