"""The rules of tuning give the same gradients as the general ones."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import SEED, Tape, backward
from sepcost.separable.tuning.rules import TUNING_RULES
from tests.separable.build import conv, noise, parsed, saved


def gradient(loaded, rules, x):
    network = describe(loaded)
    tape = Tape(network.values, lambda _: None)
    found = backward(network.layers, tape, ["y"], ["x"], rules)
    model = tape.model(["y"], list(found.values()))
    fed = {at: name for name, at in tape.fed.items() if at in {i.name for i in model.graph.input}}
    y, *inner = runner(loaded, Runtime(), ["y", *fed.values()])({"x": x})
    feeds = dict(zip(fed, inner, strict=True)) | {SEED + "y": noise(*y.shape, seed=3)}
    used = [node.op_type for node in model.graph.node]
    (made,) = runner(Loaded("b", "b", model), Runtime(), list(found.values()))(feeds)
    return made, used


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize(
    ("options", "turned"),
    [
        ({"pads": [1, 1, 1, 1]}, True),
        ({}, True),
        ({"pads": [0, 1, 1, 0]}, True),
        ({"pads": [2, 1, 2, 0], "dilations": [2, 1]}, True),
        ({"pads": [3, 1, 0, 1]}, False),
        ({"strides": [2, 1]}, False),
        ({"op_type": "ConvTranspose"}, False),
    ],
)
def test_the_kernel_turned_round(tmp_path, options, turned, group):
    kernel = noise(8, 8 // group, 3, 2)
    loaded = saved(conv(kernel, group=group, size=7, **options), tmp_path)
    x = noise(2, 8, 7, 7, seed=2)
    (one, used), (other, _) = (gradient(loaded, rules, x) for rules in (TUNING_RULES, RULES))
    assert np.allclose(one, other, atol=1e-4)
    assert used.count("ConvTranspose") == (0 if turned or "op_type" in options else 1)


def test_relu(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17]>
    net (float[2, 5] x) => (float[2, 5] y) { y = Relu (x) }"""
    loaded = saved(parsed(text), tmp_path)
    x = noise(2, 5)
    (one, _), (other, _) = (gradient(loaded, rules, x) for rules in (TUNING_RULES, RULES))
    assert np.array_equal(one, other)
