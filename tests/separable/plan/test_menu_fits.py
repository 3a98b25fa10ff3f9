"""Fits of menus: the same however many threads share the layers."""

import numpy as np
import pytest

from sepcost.routes.convert import convert
from sepcost.separable import side_by_side
from sepcost.separable.plan import menu_fits
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.separable import networks


@pytest.mark.parametrize("bytes_", [1, 1 << 40])
def test_one_data_one_seed_one_result(tmp_path, monkeypatch, bytes_):
    networks.classifier(tmp_path)
    asked = ConvertSettings(
        Goal(Aim.MAX_ERROR, 0.3), verify=False, calibrate=networks.data(tmp_path)
    )
    plans = []
    for count in (1, 3):
        monkeypatch.setattr(side_by_side, "cores", lambda count=count: count)
        monkeypatch.setattr(menu_fits, "_FIT_BYTES", bytes_)
        plans.append(convert(tmp_path / "net.onnx", settings=asked).plan)
    one, other = (plan.choices for plan in plans)
    assert [choice.factors.rank for choice in one] == [choice.factors.rank for choice in other]
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.factors.spatial, b.factors.spatial)
        assert np.array_equal(a.factors.pointwise, b.factors.pointwise)
