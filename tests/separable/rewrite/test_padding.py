"""Explicit pads in place of automatic ones that ONNX Runtime refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import load
from sepcost.routes.convert import apply, convert
from sepcost.separable.factors.kernels import Form
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.padding import padded
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.separable.build import Chosen, conv, find, full, noise, parsed, saved

SIZE = 11
GRID = [
    (dims, mode, stride, dilation)
    for dims in (1, 2, 3)
    for mode in ("SAME_UPPER", "SAME_LOWER")
    for stride, dilation in ((1, 2), (2, 2), (1, 3))
]


def automatic(dims, mode, stride, dilation):
    spread: dict[str, Any] = {"strides": [stride] * dims, "dilations": [dilation] * dims}
    kernel = noise(6, 4, *[3] * dims)
    return kernel, conv(kernel, noise(6), size=SIZE, auto_pad=mode, **spread)


def witness(dims, mode, stride, dilation):
    """The same convolution on an input that is padded by hand."""
    kernel = noise(6, 4, *[3] * dims)
    spread: dict[str, Any] = {"strides": [stride] * dims, "dilations": [dilation] * dims}
    total = (-(-SIZE // stride) - 1) * stride + 2 * dilation + 1 - SIZE
    before = total // 2 if mode == "SAME_UPPER" else total - total // 2
    edges = [(0, 0), (0, 0), *[(before, total - before)] * dims]
    return conv(kernel, noise(6), size=SIZE + total, **spread), edges


@pytest.mark.parametrize(("dims", "mode", "stride", "dilation"), GRID)
def test_they_are_those_that_auto_pad_stands_for(tmp_path, dims, mode, stride, dilation):
    loaded = saved(automatic(dims, mode, stride, dilation)[1], tmp_path)
    reference, edges = witness(dims, mode, stride, dilation)
    x = noise(2, 4, *[SIZE] * dims, seed=3)
    by_hand = runner(saved(reference, tmp_path, "witness.onnx"), Runtime())
    (expected,) = by_hand({"x": np.pad(x, edges)})
    result, count = padded(loaded, describe(loaded))
    assert count == 1
    assert runner(result, Runtime())({"x": x})[0] == pytest.approx(expected, abs=1e-5)
    (candidate,) = find(loaded).eligible
    for form in (Form.DEPTHWISE_POINTWISE, Form.POINTWISE_DEPTHWISE):
        factors = full(candidate, form)
        for emitted in emit.applicable(factors):
            made = separate(loaded, [Chosen(candidate, factors, emitted)])
            (got,) = runner(made, Runtime())({"x": x})
            assert got == pytest.approx(expected, abs=1e-4)


def test_the_converted_file_runs_though_the_original_does_not(tmp_path):
    net = tmp_path / "model.onnx"
    saved(automatic(2, "SAME_LOWER", 1, 2)[1], tmp_path)
    out, again = tmp_path / "out.onnx", tmp_path / "again.onnx"
    settings = ConvertSettings(Goal(Aim.RANK, 0), latency_time_s=0.2)
    found = convert(net, out, settings=settings, force=True)
    assert found.effect.relative_error < 1e-5
    assert found.notes[0].startswith("1 dilated convolution with auto_pad SAME: written with")
    apply(net, found.plan, again)
    x = noise(2, 4, SIZE, SIZE)
    one, two = (runner(load(path, weights=True), Runtime())({"x": x})[0] for path in (out, again))
    assert one == pytest.approx(two, abs=1e-5)


TEXT = """<ir_version: 9, opset_import: ["" : 17]>
net (float[1, 4, N, N] x) => (float y) {
  y = Conv <auto_pad = "SAME_UPPER", dilations = [2, 2], strides = [STRIDE, STRIDE]> (x, w)
}"""


@pytest.mark.parametrize(("stride", "count"), [(1, 1), (2, 0)])
def test_pads_that_depend_on_an_open_size_stay_automatic(tmp_path, stride, count):
    model = parsed(TEXT.replace("STRIDE", str(stride)), {"w": noise(6, 4, 3, 3)})
    loaded = saved(model, tmp_path)
    assert padded(loaded, describe(loaded, bind={"N": 9}))[1] == count


def test_other_padding_stays(tmp_path):
    for attributes in ({"auto_pad": "SAME_UPPER"}, {"pads": [1] * 4, "dilations": [2, 2]}):
        loaded = saved(conv(noise(6, 4, 3, 3), **attributes), tmp_path)
        assert padded(loaded, describe(loaded)) == (loaded, 0)
