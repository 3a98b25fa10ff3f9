"""Gradients of convolutions, element by element: they are linear, so unit inputs give them."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import SEED, Tape, backward
from tests.separable.build import conv, noise, parsed, saved


def gradient(loaded, x):
    """The gradient at ``x``, the seed of ``y``, and the operators that compute it."""
    network = describe(loaded)
    tape = Tape(network.values, lambda _: None)
    found = backward(network.layers, tape, ["y"], ["x"], RULES)
    model = tape.model(["y"], list(found.values()))
    fed = {at: name for name, at in tape.fed.items() if at in {i.name for i in model.graph.input}}
    y, *inner = runner(loaded, Runtime(), ["y", *fed.values()])({"x": x})
    seed = noise(*y.shape, seed=3)
    feeds = dict(zip(fed, inner, strict=True)) | {SEED + "y": seed}
    used = [node.op_type for node in model.graph.node]
    (made,) = runner(Loaded("b", "b", model), Runtime(), list(found.values()))(feeds)
    return made, seed, used


def slopes(loaded, x, seed):
    """Of each element of both samples: what a unit there adds to Σ seed·y."""
    run, found = runner(loaded, Runtime()), np.zeros(x.shape)
    for place in np.ndindex(x.shape[1:]):
        unit = np.zeros_like(x)
        unit[:, *place] = 1
        (y,) = run({"x": unit})
        found[:, *place] = (y * seed).reshape(len(x), -1).sum(1)
    return found


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
    made, seed, used = gradient(loaded, x)
    assert np.allclose(made, slopes(loaded, x, seed), atol=1e-4)
    assert used.count("ConvTranspose") == (0 if turned or "op_type" in options else 1)


def test_relu(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17]>
    net (float[2, 5] x) => (float[2, 5] y) { y = Relu (x) }"""
    loaded = saved(parsed(text), tmp_path)
    x = noise(2, 5)
    made, seed, _ = gradient(loaded, x)
    assert np.array_equal(made, np.where(x > 0, seed, 0))
