"""Rules of gradients that tuning has of its own: the same values, in less time.

Other weights would have to be turned again for each run, so only tuning, whose weights change at
every step anyway, uses these.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sepcost.cost.geometry import convolution
from sepcost.network import Layer
from sepcost.separable.runs.backward import layers
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import Grads, Rule, Tape, first

_FAR = -(2**31)  # an end before the first element


def convolved(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """At stride 1, a convolution with the kernel turned round: it runs faster than a transposed."""
    shape = convolution(layer)
    if shape is None or shape.transposed or max(shape.strides) > 1:
        return layers.convolved(tape, layer, given)
    spatial = len(shape.kernel)
    spans = [(k - 1) * d for k, d in zip(shape.kernel, shape.dilations, strict=True)]
    pads = [span - pad for span, pad in zip([*spans, *spans], shape.pads, strict=True)]
    if min(pads) < 0:
        return layers.convolved(tape, layer, given)
    weight = tape.value(layer.reads[1])
    if max(shape.kernel) > 1:
        ends = ([-1] * spatial, [_FAR] * spatial, range(2, 2 + spatial), [-1] * spatial)
        weight = tape.add("Slice", weight, *(tape.constant(np.array(one)) for one in ends))
    weight = _channels_swapped(tape, weight, layer.inputs[1], shape.group)
    place = {"pads": pads, "dilations": list(shape.dilations), "group": shape.group}
    return [tape.add("Conv", first(given), weight, **place)]


def _channels_swapped(tape: Tape, weight: str, shape: tuple[int, ...], group: int) -> str:
    """[N, M/G, ...] as [M, N/G, ...], group by group."""
    outputs, inputs, *kernel = shape
    own = outputs // group
    if own == inputs == 1:
        return weight
    rest = list(range(2, 2 + len(kernel)))
    if group == 1:
        return tape.add("Transpose", weight, perm=[1, 0, *rest])
    apart = tape.constant(np.array([group, own, inputs, *kernel]))
    order = [0, 2, 1, *(axis + 1 for axis in rest)]
    turned = tape.add("Transpose", tape.add("Reshape", weight, apart), perm=order)
    return tape.add("Reshape", turned, tape.constant(np.array([group * inputs, own, *kernel])))


def relu(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """The gradient where the output is positive: its input need not be kept."""
    return [tape.add("Mul", first(given), tape.add("Sign", tape.value(layer.writes[0])))]


TUNING_RULES: Mapping[str, Rule] = {**RULES, "Conv": convolved, "Relu": relu}
