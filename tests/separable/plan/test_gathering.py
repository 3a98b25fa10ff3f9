"""Layers gathered in several passes get the moments of one pass."""

import pytest

from sepcost.routes.convert import convert
from sepcost.separable.plan import gathering
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from sepcost.separable.watch import Stage
from tests.separable import networks


@pytest.mark.parametrize("bound", ["_SEEN_BYTES", "_HELD_BYTES"])
def test_layers_too_large_for_one_pass_are_gathered_one_by_one(tmp_path, monkeypatch, bound):
    networks.classifier(tmp_path)
    goal = Goal(Aim.MACS, 0.6)
    asked = ConvertSettings(goal, verify=False, calibrate=networks.data(tmp_path))
    said: list[Stage] = []
    apart: list[Stage] = []
    one = convert(tmp_path / "net.onnx", settings=asked, on_progress=said.append).plan
    monkeypatch.setattr(gathering, bound, 1)
    other = convert(tmp_path / "net.onnx", settings=asked, on_progress=apart.append).plan
    first = [(one.doing, one.number) for one in said], [(one.doing, one.number) for one in apart]
    passes = [steps.count(("running calibration data", 1)) for steps in first]
    assert passes[0] == 1 < passes[1]
    errors = [[choice.output_error for choice in plan.choices] for plan in (one, other)]
    assert errors[1] == pytest.approx(errors[0], rel=1e-6)
