"""Gradients of elementwise functions, sums, products and softmax."""

from __future__ import annotations

import numpy as np

from sepcost.network import Layer
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape, first, number

AXIS_ALONE = 13  # since this opset, Softmax runs over a single axis
_STEP = 1e-3  # step of a difference quotient, relative to 1 + |x|


def copied(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Identity, also up to rounding: the gradient passes through."""
    return [first(given)]


def rectified(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Relu: the gradient passes where the output is positive; the input need not be kept."""
    positive = tape.add("Greater", tape.value(layer.writes[0]), tape.constant(0.0))
    return [tape.add("Mul", first(given), tape.add("Cast", positive, to=1))]


def kept_where_equal(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Clip and global maximum: the gradient passes if the output equals the input."""
    same = tape.add("Equal", tape.value(layer.reads[0]), tape.value(layer.writes[0]))
    return [tape.add("Mul", first(given), tape.add("Cast", same, to=1))]


def by_difference(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Any elementwise function of the first input: (f(x + h) - f(x - h)) / 2h."""
    if any(k not in layer.weights for k, name in enumerate(layer.reads) if name and k):
        raise NoGradient
    x = tape.value(layer.reads[0])
    size = tape.add("Add", tape.add("Abs", x), tape.constant(1.0))
    step = tape.add("Mul", size, tape.constant(_STEP))
    others = [tape.value(name) if name else "" for name in layer.reads[1:]]
    ahead, behind = (
        tape.add(layer.op_type, tape.add(sign, x, step), *others, **dict(layer.attributes))
        for sign in ("Add", "Sub")
    )
    rise = tape.add("Div", tape.add("Sub", ahead, behind), tape.add("Add", step, step))
    return [tape.add("Mul", first(given), rise)]


def summed(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Add and Sum: g for every input."""
    return [tape.narrowed(layer, k, first(given)) for k in range(len(layer.reads))]


def difference(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """G and -g."""
    g = first(given)
    return [
        tape.narrowed(layer, 0, g),
        None if 1 in layer.weights else tape.narrowed(layer, 1, tape.add("Neg", g)),
    ]


def product(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """g·b and g·a."""

    def side(k: int) -> str | None:
        if k in layer.weights:
            return None
        other = tape.value(layer.reads[1 - k])
        return tape.narrowed(layer, k, tape.add("Mul", first(given), other))

    return [side(0), side(1)]


def quotient(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """G / b and -g·y / b."""
    below = tape.value(layer.reads[1])
    over = tape.add("Div", first(given), below)
    if 1 in layer.weights:
        return [tape.narrowed(layer, 0, over)]
    other = tape.add("Neg", tape.add("Mul", over, tape.value(layer.writes[0])))
    return [tape.narrowed(layer, k, g) for k, g in enumerate((over, other))]


def softmax(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Softmax: y·(g - Σ g·y). LogSoftmax: g - p·Σ g. Before opset 13, over all later axes."""
    rank = len(layer.inputs[0])
    flattening = tape.opset < AXIS_ALONE
    axis = int(number(layer, "axis", 1 if flattening else -1)) % rank
    axes = np.arange(axis, rank) if flattening else np.array([axis])
    along, y, g = tape.constant(axes), tape.value(layer.writes[0]), first(given)
    if layer.op_type == "LogSoftmax":
        whole = tape.add("ReduceSum", g, along, keepdims=1)
        return [tape.add("Sub", g, tape.add("Mul", tape.add("Exp", y), whole))]
    whole = tape.add("ReduceSum", tape.add("Mul", g, y), along, keepdims=1)
    return [tape.add("Mul", y, tape.add("Sub", g, whole))]


def flat(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Steps and signs: zero wherever the derivative exists."""
    return [None] * len(layer.reads)


def extreme(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Max and Min: g for the inputs that equal the result."""
    y, g = tape.value(layer.writes[0]), first(given)

    def side(k: int, name: str) -> str | None:
        if k in layer.weights:
            return None
        same = tape.add("Cast", tape.add("Equal", tape.value(name), y), to=1)
        return tape.narrowed(layer, k, tape.add("Mul", g, same))

    return [side(k, name) for k, name in enumerate(layer.reads)]


def affine(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """alpha·g."""
    return [tape.add("Mul", first(given), tape.constant(number(layer, "alpha", 1.0)))]
