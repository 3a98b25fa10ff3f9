"""Layers side by side: in order, as many at a time as asked, and dropped with the iterator."""

from threading import Event, get_ident

import numpy as np
import pytest

from sepcost.routes.convert import convert
from sepcost.separable import side_by_side as module
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from sepcost.separable.side_by_side import side_by_side
from tests.separable import networks


def test_results_come_in_the_order_of_the_items(monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 2)
    first = Event()

    def run(item):
        if item:
            first.set()
        else:
            assert first.wait(10)  # the second overtakes the first
        return item

    assert list(side_by_side(run, [0, 1])) == [0, 1]


@pytest.mark.parametrize(("free", "most"), [(1, None), (8, 1)])
def test_as_many_threads_as_free_cores_and_memory_allow(monkeypatch, free, most):
    monkeypatch.setattr(module, "cores", lambda: free)
    assert len(set(side_by_side(lambda _: get_ident(), range(4), most))) == 1
    assert list(side_by_side(str, [])) == []


def test_what_is_not_begun_is_dropped(monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 1)
    done, go = [], Event()

    def run(item):
        assert item == 0 or go.wait(10)
        done.append(item)

    made = side_by_side(run, range(9))
    next(made)
    made.close()
    go.set()
    assert len(done) <= 2


def test_plans_without_data_do_not_depend_on_the_cores(tmp_path, monkeypatch):
    networks.classifier(tmp_path)
    plans = []
    for count in (1, 3):
        monkeypatch.setattr(module, "cores", lambda count=count: count)
        asked = ConvertSettings(Goal(Aim.MACS, 0.5), verify=False)
        plans.append(convert(tmp_path / "net.onnx", settings=asked).plan.choices)
    assert plans[0]
    for a, b in zip(*plans, strict=True):
        assert a.factors.rank == b.factors.rank
        assert np.array_equal(a.factors.spatial, b.factors.spatial)
        assert np.array_equal(a.factors.pointwise, b.factors.pointwise)
