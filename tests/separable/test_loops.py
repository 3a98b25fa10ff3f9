"""Goals for models whose loops run an unknown number of times."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from sepcost.cli.app import app
from sepcost.errors import BindingError
from sepcost.routes.convert import convert
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.separable.build import noise, parsed, saved

#: The Loop ends when its counter reaches 4; the body convolves once.
TEXT = """<ir_version: 9, opset_import: ["" : 17]>
net (float[1, 8, 9, 9] x, int64 last) => (float[1, 8, 9, 9] y) <bool yes = {1}, int64 one = {1}> {
  a = Conv <pads = [1, 1, 1, 1]> (x, w)
  [turns] y = Loop ("", yes, a) <
    body = b (int64 i, bool t, float[1, 8, 9, 9] s) => (bool u, float[1, 8, 9, 9] d)
    { k = Add (i, one)  u = Less (k, last)  d = Conv <pads = [1, 1, 1, 1]> (s, w) }>
}"""
ONCE = 81 * 8 * 72
TRIPS = 4


@pytest.fixture
def net(tmp_path):
    model = parsed(TEXT, {"w": noise(8, 8, 3, 3) / 8})
    saved(model, tmp_path)
    return tmp_path / "model.onnx"


@pytest.fixture
def given(tmp_path):
    np.savez(tmp_path / "given.npz", x=noise(1, 8, 9, 9), last=np.array(TRIPS))
    return tmp_path / "given.npz"


def asked(value=0.5, **changes):
    return ConvertSettings(Goal(Aim.MACS, value), verify=False, **changes)


def test_a_share_of_unknown_macs_is_not_claimed(net, tmp_path):
    found = convert(net, tmp_path / "out.onnx", settings=asked())
    assert found.missed is not None
    assert found.missed.startswith("goal not shown to be met: asked --macs 0.5, but Loop 'turns': ")
    assert "--trips turns=COUNT" in found.missed
    assert not found.written


def test_with_force_the_model_is_written_all_the_same(net, tmp_path):
    found = convert(net, tmp_path / "out.onnx", settings=asked(), force=True)
    assert found.missed
    assert found.written


@pytest.mark.parametrize("how", ["trips", "observe"])
def test_known_trips_make_the_goal_one_that_can_be_met(net, given, tmp_path, how):
    sizes = {"trips": {"turns": TRIPS}} if how == "trips" else {"observe": True}
    settings = asked(inputs=given)
    found = convert(net, tmp_path / "out.onnx", settings=settings, **sizes)
    assert found.before.totals.macs == (1 + TRIPS) * ONCE
    assert found.after.totals.macs <= 0.5 * found.before.totals.macs
    assert found.after.totals.macs == found.plan.predicted.macs
    assert found.missed is None
    assert found.written


def test_calibration_data_are_what_is_observed(tmp_path):
    text = TEXT.replace(", int64 last", "").replace(
        "a = Conv", "m = ReduceMax <keepdims = 0> (x)  last = Cast <to = 7> (m)\n  a = Conv"
    )
    saved(parsed(text, {"w": noise(8, 8, 3, 3) / 8}), tmp_path)
    net = tmp_path / "model.onnx"
    np.savez(tmp_path / "data.npz", x=np.full((16, 8, 9, 9), TRIPS, np.float32))
    settings = asked(calibrate=tmp_path / "data.npz")
    found = convert(net, settings=settings, observe=True)
    assert found.before.totals.macs == (1 + TRIPS) * ONCE


def test_trips_of_no_loop_are_refused(net):
    with pytest.raises(BindingError, match="no Loop or Scan"):
        convert(net, settings=asked(), trips={"other": 2})


def test_the_command_has_both_options(net, given):
    def run(*arguments):
        every = ["convert", str(net), "--dry-run", "--macs", "0.5", "--no-verify", *arguments]
        return CliRunner().invoke(app, every)

    bare = run()
    assert bare.exit_code == 1
    assert "at least" in bare.stdout
    known = run("--trips", f"turns={TRIPS}", "-f", "json")
    assert known.exit_code == 0, known.output
    assert json.loads(known.stdout)["before"]["macs"] == (1 + TRIPS) * ONCE
    seen = run("--observe", "--inputs", str(given), "-f", "json")
    assert seen.exit_code == 0, seen.output
    assert json.loads(seen.stdout)["before"]["macs"] == (1 + TRIPS) * ONCE
