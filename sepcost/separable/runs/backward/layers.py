"""Gradients of layers with weights, of normalisation and of pooling."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.cost.geometry import convolution
from sepcost.cost.results import Convolution
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
    reach = [(taps - 1) * d for taps, d in zip(shape.kernel, shape.dilations, strict=True)]
    pads = [far - pad for far, pad in zip(reach * 2, shape.pads, strict=True)]
    if set(shape.strides) == {1} and min(pads) >= 0:
        # A ConvTranspose of 9×9 kernels would lay out 81 values for each value of the result.
        place["pads"] = pads
        return tape.add("Conv", gradient, _mirrored(tape, weight, shape), **place)
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


def _mirrored(tape: Tape, weight: str, shape: Convolution) -> str:
    """A kernel [N, M/G, *k] as [M, N/G, *k], from its last element to its first."""
    axes, turned = np.arange(2, 2 + len(shape.kernel)), weight
    if max(shape.kernel) > 1:
        ends = [tape.constant(np.full(len(axes), end)) for end in (-1, -(2**31))]
        steps = tape.constant(np.full(len(axes), -1))
        turned = tape.add("Slice", weight, *ends, tape.constant(axes), steps)
    group, inputs, outputs = shape.group, shape.in_channels, shape.out_channels
    apart = (group, outputs // group, inputs // group, *shape.kernel)
    parts = tape.add("Reshape", turned, tape.constant(np.array(apart)))
    swapped = tape.add("Transpose", parts, perm=[0, 2, 1, *(axes + 1).tolist()])
    joined = (inputs, outputs // group, *shape.kernel)
    return tape.add("Reshape", swapped, tape.constant(np.array(joined)))


def average_pool(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Each averaged element gets the gradient over the number of elements."""
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
    shape = convolution(twin)
    if shape is None:
        raise NoGradient
    included = bool(layer.attributes.get("count_include_pad", 0))
    counts = [_counts(shape, axis, layer, included=included) for axis in range(len(taps))]
    averaged = reduce(np.multiply.outer, counts).astype(np.float32)
    shares = tape.add("Div", first(given), tape.constant(averaged))
    pads = (*shape.pads[: len(taps)], *_reached(shape, layer))
    twin = replace(twin, attributes={**twin.attributes, "auto_pad": "NOTSET", "pads": pads})
    return [_turned(tape, twin, tape.constant(np.ones((channels, 1, *taps))), shares)]


def _reached(shape: Convolution, layer: Layer) -> tuple[int, ...]:
    """End padding that the last windows reach; with ceil_mode more than the layer declares."""
    spatial = len(shape.kernel)
    return tuple(
        max(end, (out - 1) * stride + (taps - 1) * dilation + 1 - size - begin)
        for out, stride, taps, dilation, size, begin, end in zip(
            layer.outputs[0][2:], shape.strides, shape.kernel, shape.dilations,
            layer.inputs[0][2:], shape.pads[:spatial], shape.pads[spatial:], strict=True,
        )
    )  # fmt: skip


def _counts(shape: Convolution, axis: int, layer: Layer, *, included: bool) -> NDArray[np.int64]:
    """Elements per window along an axis, without those that only ceil_mode adds."""
    size, out = layer.inputs[0][2 + axis], layer.outputs[0][2 + axis]
    begin, end = shape.pads[axis], shape.pads[len(shape.kernel) + axis]
    starts = np.arange(out) * shape.strides[axis] - begin
    taps = starts[:, None] + np.arange(shape.kernel[axis]) * shape.dilations[axis]
    low, high = (-begin, size + end) if included else (0, size)
    counts: NDArray[np.int64] = ((taps >= low) & (taps < high)).sum(1)
    return np.maximum(counts, 1)


def gemm(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """g·Bᵀ, for a constant B."""
    known = layer.attributes
    if known.get("transA", 0) or 1 not in layer.weights:
        raise NoGradient
    alpha, turned = known.get("alpha", 1.0), int(not known.get("transB", 0))
    return [tape.add("Gemm", first(given), tape.value(layer.reads[1]), alpha=alpha, transB=turned)]


def matmul(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """g·Bᵀ and Aᵀ·g, summed over the axes that were broadcast."""
    (a, b), g = layer.inputs[:2], first(given)
    if min(len(a), len(b)) < 2:
        raise NoGradient
    left = right = None
    if 0 not in layer.weights:
        whole = tape.add("MatMul", g, _swapped(tape, tape.value(layer.reads[1]), len(b)))
        left = _unrepeated(tape, whole, layer, 0)
    if 1 not in layer.weights:
        whole = tape.add("MatMul", _swapped(tape, tape.value(layer.reads[0]), len(a)), g)
        right = _unrepeated(tape, whole, layer, 1)
    return [left, right]


def _unrepeated(tape: Tape, gradient: str, layer: Layer, position: int) -> str:
    own, whole = layer.inputs[position], layer.outputs[0]
    own = (1,) * (len(whole) - len(own)) + own
    axes = [k for k in range(len(whole) - 2) if own[k] != whole[k]]
    if not axes:
        return gradient
    summed = tape.add("ReduceSum", gradient, tape.constant(np.array(axes)), keepdims=1)
    return tape.like(summed, layer.reads[position])


def einsum(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """The product of g and the other operands, reduced to the indices of each operand."""
    equation = str(layer.attributes["equation"]).replace(" ", "")
    left, arrow, result = equation.partition("->")
    terms = left.split(",")
    if "." in equation or not arrow or any(len(set(t)) < len(t) for t in terms):
        raise NoGradient

    def side(k: int) -> str | None:
        if k in layer.weights:
            return None
        others = [n for n in range(len(terms)) if n != k]
        if set(terms[k]) - set(result).union(*(terms[n] for n in others)):
            raise NoGradient  # an index of this operand alone, which is summed away
        rule = ",".join([result, *(terms[n] for n in others)]) + "->" + terms[k]
        factors = [tape.value(layer.reads[n]) for n in others]
        return tape.add("Einsum", first(given), *factors, equation=rule)

    return [side(k) for k in range(len(terms))]


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
    """s/d·(g - mean g - a·mean(g·a)/d²), a = x - mean x, deviation d, means over positions."""
    axes = tape.constant(np.arange(2, len(layer.inputs[0])))

    def mean(name: str) -> str:
        return tape.add("ReduceMean", name, axes, keepdims=1)

    x, g = tape.value(layer.reads[0]), first(given)
    away = tape.add("Sub", x, mean(x))
    spread = _deviation(tape, layer, mean(tape.add("Mul", away, away)))
    slope = tape.add("Div", mean(tape.add("Mul", g, away)), tape.add("Mul", spread, spread))
    kept = tape.add("Sub", tape.add("Sub", g, mean(g)), tape.add("Mul", away, slope))
    scale = _by_channel(tape, layer, tape.value(layer.reads[1]))
    return [tape.add("Mul", kept, tape.add("Div", scale, spread))]


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
