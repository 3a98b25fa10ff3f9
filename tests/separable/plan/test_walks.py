"""Fits of layers on a walk along the network, against runs from its start for each layer."""

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import load
from sepcost.routes.convert import convert
from sepcost.separable.data.calibrate import declared, open_data
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.factors.kernels import reconstruct
from sepcost.separable.find.candidates import candidates
from sepcost.separable.find.context import context
from sepcost.separable.plan import fitting
from sepcost.separable.plan.walks import walk
from sepcost.separable.settings import Aim, ConvertSettings, Goal, Method
from tests.separable import networks
from tests.separable.build import parsed, saved

RESIDUAL = """<ir_version: 9, opset_import: ["" : 17]>
net (float[N, 4, 8, 8] x) => (float[N, 16, 8, 8] y) {
  a = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
  r = Relu (a)
  b = Conv <pads = [1, 1, 1, 1]> (r, w2, b2)
  s = Add (r, b)
  t = Relu (s)
  c = Conv <pads = [1, 1, 1, 1]> (t, w3)
  y = Add (t, c)
}"""


@pytest.fixture
def nets(tmp_path):
    weights = {name: networks.weights()[name] for name in ("w1", "b1", "w2", "b2")}
    weights["w3"] = networks.weights(1)["w2"]
    saved(parsed(RESIDUAL, weights), tmp_path, "residual.onnx")
    networks.classifier(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("net.onnx", 1 << 30),
        ("residual.onnx", 1 << 30),
        ("residual.onnx", 900_000),
        ("residual.onnx", 1),
    ],
)
def test_a_walk_gives_the_factors_of_runs_from_the_start(nets, monkeypatch, name, held):
    """Whatever may be kept: all values, those of few places, or none."""
    monkeypatch.setattr("sepcost.separable.plan.walks.HELD_BYTES", held)
    goal = Goal(Aim.RANK, 1)
    few = Method(iterations=20)  # before a descent reaches flat ground, where rounding leads it
    data = networks.data(nets)
    asked = ConvertSettings(goal, verify=False, calibrate=data, tune=0, method=few)
    plan = convert(nets / name, settings=asked).plan
    walked = []

    def none(*_):
        walked.append(True)

    monkeypatch.setattr(fitting, "walk", none)
    other = convert(nets / name, settings=asked).plan
    assert walked
    assert len(plan.choices) == len(other.choices) >= 2
    for one, two in zip(plan.choices, other.choices, strict=True):
        a, b = reconstruct(one.factors), reconstruct(two.factors)
        np.testing.assert_allclose(a, b, atol=1e-3 * np.abs(b).max())


@pytest.mark.parametrize(("held", "moved"), [(1 << 30, True), (1, False)])
def test_a_side_stays_where_it_is_if_the_next_place_is_too_large(nets, monkeypatch, held, moved):
    monkeypatch.setattr("sepcost.separable.plan.walks.HELD_BYTES", held)
    loaded = load(nets / "residual.onnx", weights=True)
    network = describe(loaded, bind={"N": 1})
    data = open_data(networks.data(nets), declared(loaded), ImageFormat())
    seen, found = context(loaded, network), candidates(loaded, network).eligible
    path = walk(seen, found, data, Runtime())
    assert path is not None
    for candidate in found:
        assert len(list(path.seen(candidate, None, []))) == 4
        assert (path.original.place > 0) is moved
