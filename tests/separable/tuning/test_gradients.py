"""Gradients of weights and biases against differences of ONNX Runtime's outputs.

An output is linear in any one weight, so a difference quotient is exact but for rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.separable.factors.kernels import Form, factorize, ranks
from sepcost.separable.find.candidates import weight
from sepcost.separable.find.context import context
from sepcost.separable.rewrite.emit import applicable
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import SEED, Tape, backward
from sepcost.separable.tuning.gradients import bias_gradient, weight_gradient
from tests.separable.build import Chosen, conv, find, noise, saved

#: Strides, dilations and asymmetric pads, and whether the convolution is transposed.
PLACES: dict[str, dict[str, Any]] = {
    "plain": {},
    "stride": {"strides": [2, 3]},
    "dilation": {"dilations": [2, 1], "pads": [2, 1, 2, 1]},
    "asymmetric": {"pads": [0, 1, 2, 0]},
    "all at once": {"strides": [2, 2], "dilations": [2, 1], "pads": [0, 1, 2, 1]},
    "auto_pad": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "transposed": {"transposed": True, "strides": [2, 2], "pads": [1, 0, 0, 1]},
    "transposed, dilated": {
        "transposed": True, "strides": [2, 1], "dilations": [1, 2], "output_padding": [1, 0],
    },
}  # fmt: skip


def gradients(loaded, x, v):
    """Gradients of v·y by name of every weight and bias of a convolution."""
    network = describe(loaded)
    seen = context(loaded, network)
    layers = [one for one in network.layers if one.op_type in {"Conv", "ConvTranspose"}]
    tape = Tape(network.values, seen.stored)
    values = backward(seen.opaque(), tape, ["y"], [one.writes[0] for one in layers], RULES)
    made = {}
    for layer in layers:
        made[layer.reads[1]] = weight_gradient(tape, layer, values[layer.writes[0]])
        for name in layer.reads[2:]:
            made[name] = bias_gradient(tape, layer, values[layer.writes[0]])
    model = tape.model(["y"], list(made.values()))
    fed = {at: name for name, at in tape.fed.items() if at in {i.name for i in model.graph.input}}
    inner = runner(loaded, Runtime(), list(fed.values()))({"x": x})
    feeds = dict(zip(fed, inner, strict=True)) | {SEED + "y": v}
    found = runner(Loaded("back", loaded.source, model), Runtime(), list(made.values()))(feeds)
    return dict(zip(made, found, strict=True))


def differences(loaded, x, v, name):
    """(v·y(w + h) - v·y(w - h)) / 2h for each element of a weight, h = 1."""
    place = next(k for k, t in enumerate(loaded.proto.graph.initializer) if t.name == name)
    start = numpy_helper.to_array(loaded.proto.graph.initializer[place])
    proto = onnx.ModelProto()
    proto.CopyFrom(loaded.proto)
    del proto.graph.initializer[place]
    proto.graph.input.append(onnx.helper.make_tensor_value_info(name, 1, start.shape))
    run = runner(Loaded("moved", loaded.source, proto), Runtime(threads=1))
    found = np.empty(start.size)
    for k in range(start.size):
        ends = []
        for step in (1, -1):
            moved = start.copy()
            moved.reshape(-1)[k] += step
            ends.append(float(np.sum(run({"x": x, name: moved})[0].astype(np.float64) * v)))
        found[k] = (ends[0] - ends[1]) / 2
    return found.reshape(start.shape)


def check(loaded):
    random = np.random.default_rng(0)
    x = random.standard_normal(describe(loaded).inputs[0].shape).astype(np.float32)
    shape = runner(loaded, Runtime())({"x": x})[0].shape
    v = random.standard_normal(shape).astype(np.float32)
    found = gradients(loaded, x, v)
    nodes = [node for node in loaded.proto.graph.node if node.op_type.startswith("Conv")]
    assert set(found) == {name for node in nodes for name in node.input[1:]}
    for name, one in found.items():
        wanted = differences(loaded, x, v, name)
        assert one.shape == wanted.shape
        assert np.abs(one - wanted).max() < 2e-5 * max(1.0, np.abs(wanted).max()), name


def layer(*, outputs=4, inputs=4, group=1, axes=2, transposed=False, taps=3, **options):
    shape = (inputs, outputs // group) if transposed else (outputs, inputs // group)
    kernel = noise(*shape, *(taps,) * axes)
    op_type = "ConvTranspose" if transposed else "Conv"
    return conv(kernel, noise(outputs, seed=1), op_type=op_type, group=group, **options)


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("place", PLACES)
def test_a_convolution(tmp_path, place, group):
    check(saved(layer(group=group, size=6, **PLACES[place]), tmp_path))


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("transposed", [False, True])
def test_other_numbers_of_axes(tmp_path, axes, transposed):
    options = {"strides": [2] * axes, "pads": [1, *[0] * (2 * axes - 1)], "size": 5}
    check(saved(layer(axes=axes, transposed=transposed, **options), tmp_path))


def test_several_kernels_per_channel(tmp_path):
    check(saved(layer(outputs=6, inputs=3, group=3, size=5), tmp_path))


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", Form)
def test_every_emitted_form(tmp_path, form, place, group):
    loaded = saved(layer(group=group, size=6, **PLACES[place]), tmp_path)
    (candidate,) = find(loaded).eligible
    kernel = weight(candidate)
    rank = ranks(kernel.shape, form, group=group)[:2][-1]
    factors = factorize(kernel, form, rank, group=group)
    for emitted in applicable(factors):
        check(separate(loaded, [Chosen(candidate, factors, emitted)]))


def test_parts_of_a_1_d_convolution_in_2_d(tmp_path):
    loaded = saved(layer(axes=1, strides=[2], pads=[2, 0], dilations=[2]), tmp_path)
    (candidate,) = find(loaded).eligible
    factors = factorize(weight(candidate), Form.DEPTHWISE_POINTWISE, 2)
    check(separate(loaded, [Chosen(candidate, factors, lifted=True)]))
