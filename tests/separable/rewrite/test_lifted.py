"""1-D convolutions whose parts are written in 2-D."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import onnx
import pytest

from sepcost.cost.count import count
from sepcost.errors import MeasurementError
from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.routes.convert import convert
from sepcost.separable.factors.kernels import Form
from sepcost.separable.plan import layer_times, trials
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.padding import padded
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.separable.build import Chosen, conv, find, first, noise, saved

GEOMETRY: dict[str, dict[str, Any]] = {
    "plain": {},
    "strided": {"strides": [2], "pads": [1, 2]},
    "dilated": {"dilations": [2], "pads": [2, 1]},
    "same": {"auto_pad": "SAME_UPPER", "strides": [2]},
    "dilated same": {"auto_pad": "SAME_LOWER", "dilations": [2]},
    "grouped": {"group": 2, "pads": [1, 1]},
}
TRANSPOSED: dict[str, dict[str, Any]] = {
    "transposed": {"strides": [2], "output_padding": [1], "pads": [1, 0]},
    "to a shape": {"strides": [2], "output_shape": [25], "group": 2},
}


def outputs(loaded, x):
    runnable, _ = padded(loaded, describe(loaded))
    return runner(runnable, Runtime())({"x": x})[0]


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("name", [*GEOMETRY, *TRANSPOSED])
@pytest.mark.parametrize("form", list(Form))
def test_they_compute_the_same_as_in_1d(tmp_path, form, name, opset):
    op_type = "ConvTranspose" if name in TRANSPOSED else "Conv"
    attributes = {**GEOMETRY, **TRANSPOSED}[name]
    group = attributes.get("group", 1)
    channels = (8, 8 // group) if op_type == "Conv" else (8, 6 // group)
    bias = noise(8 if op_type == "Conv" else 6)
    made = conv(noise(*channels, 5), bias, size=12, op_type=op_type, **attributes)
    made.opset_import[0].version = opset
    made.ir_version = 8
    loaded = saved(made, tmp_path)
    (candidate,) = find(loaded).eligible
    factors, x = first(candidate, form), noise(2, 8, 12, seed=4)
    for emitted in emit.applicable(factors):
        flat, lifted = (
            separate(loaded, [Chosen(candidate, factors, emitted, lifted=lifted)])
            for lifted in (False, True)
        )
        onnx.checker.check_model(lifted.proto, full_check=True)
        assert {len(shape) for shape in kernels(lifted.proto)} == {4}
        assert outputs(lifted, x) == pytest.approx(outputs(flat, x), abs=1e-5)
        macs = {count(describe(one), "").totals.macs for one in (flat, lifted)}
        assert macs == {emit.macs(candidate, factors)}


def kernels(proto):
    """Shapes of all weights."""
    return [tuple(t.dims) for t in proto.graph.initializer if len(t.dims) > 1]


@pytest.fixture
def net(tmp_path):
    saved(conv(noise(32, 32, 31) / 30, noise(32), size=400, pads=[15, 15]), tmp_path)
    return tmp_path / "model.onnx"


def played(monkeypatch, flat, lifted):
    """Fake times of networks: of the original, of its surroundings alone, and of its parts."""

    def time(file):
        shapes = kernels(onnx.load(file.path))
        if (32, 32, 31) in shapes:
            return 2e5
        parts = [shape for shape in shapes if shape[1] > 1]
        return (lifted if len(parts[0]) == 4 else flat) if parts else 1e4

    def times(files, *_):
        return [time(file) for file in files]

    monkeypatch.setattr(layer_times, "time_files", times)
    monkeypatch.setattr(trials, "time_files", times)


def shapes(settings, net, tmp_path):
    found = convert(net, tmp_path / "out.onnx", settings=settings, force=True)
    written = {len(shape) for shape in kernels(onnx.load(tmp_path / "out.onnx"))}
    return found.plan.choices[0], written


@pytest.mark.parametrize(("flat", "lifted"), [(9e4, 5e4), (5e4, 9e4)])
@pytest.mark.parametrize("goal", [Goal(Aim.RANK, 1), Goal(Aim.MACS, 0.5), Goal(Aim.MAX_ERROR, 5)])
def test_the_faster_way_is_written(monkeypatch, tmp_path, net, goal, flat, lifted):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    played(monkeypatch, flat, lifted)
    settings = ConvertSettings(goal, latency_time_s=0.2)
    choice, written = shapes(settings, net, tmp_path)
    assert choice.lifted == (lifted < flat)
    assert written == {4 if lifted < flat else 3}


def test_where_speed_is_the_goal_both_ways_are_on_the_menu(monkeypatch, tmp_path, net):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    played(monkeypatch, 9e4, 5e4)
    choice, written = shapes(ConvertSettings(Goal(Aim.SPEEDUP, 1.01), verify=False), net, tmp_path)
    assert choice.lifted
    assert written == {4}


def test_unmeasured_layers_stay_as_they_are(monkeypatch, tmp_path, net):
    settings = ConvertSettings(Goal(Aim.RANK, 1), verify=False)
    assert not shapes(settings, net, tmp_path)[0].lifted

    def fails(*_):
        raise MeasurementError("no time")

    monkeypatch.setattr(trials, "faster_in_2d", fails)
    settings = replace(settings, verify=True, latency_time_s=0.2)
    assert not shapes(settings, net, tmp_path)[0].lifted
