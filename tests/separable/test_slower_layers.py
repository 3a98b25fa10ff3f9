"""Plans in MACs leave out what was measured slower, before anything is fitted for good."""

import pytest

from sepcost.routes.convert import convert
from sepcost.separable import convert as route
from sepcost.separable.plan.menu import option_key
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from sepcost.separable.watch import Stage
from tests.separable import networks


@pytest.mark.parametrize(("aim", "value"), [(Aim.MACS, 0.4), (Aim.MAX_ERROR, 0.3)])
def test_replacements_that_are_slower_are_in_no_plan(tmp_path, monkeypatch, aim, value):
    """Everything of odd rank is slow."""
    networks.classifier(tmp_path)

    def slow(choices, *_):
        keys = [option_key(c.candidate, c.factors.form, c.factors.rank) for c in choices]
        return {key for key in keys if key[2] % 2}

    monkeypatch.setattr(route, "slower_options", slow)
    goal = ConvertSettings(
        goal=Goal(aim, value), calibrate=networks.data(tmp_path), latency_time_s=0.2, tune=0
    )
    said: list[Stage] = []
    found = convert(tmp_path / "net.onnx", settings=goal, on_progress=said.append)
    assert found.plan.choices
    assert all(choice.factors.rank % 2 == 0 for choice in found.plan.choices)
    if aim is Aim.MACS:
        assert [(one.doing, one.name) for one in said].count(("fitting", "b")) == 1
