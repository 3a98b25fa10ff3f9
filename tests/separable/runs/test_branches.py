"""Ifs whose branch the data fix: their convolutions are fitted, and gradients reach them."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import load
from sepcost.routes.convert import convert
from sepcost.separable.data import calibrate
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.branches import straightened
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.separable.build import noise, parsed, saved

#: An outer If by an input, in whose branch an inner one depends on a computed condition; both
#: branches use the same names, and one stores a weight of its own.
TEXT = """<ir_version: 9, opset_import: ["" : 17]>
net (float[1, 8, 6, 6] x, bool k) => (float[1, 8, 6, 6] y, float[1, 8, 6, 6] same)
<float zero = {0}> {
  a = Conv <pads = [1, 1, 1, 1]> (x, w)
  z, same = If (k) <
    then_branch = t () => (float[1, 8, 6, 6] d, float[1, 8, 6, 6] f) {
      f = Identity (a)
      c = Conv <pads = [1, 1, 1, 1]> (a, v)
      m = ReduceMax <keepdims = 0> (c)
      q = Greater (m, zero)
      d = If (q) <
        then_branch = u () => (float[1, 8, 6, 6] e) {
          o = Neg (c)  e = Conv <pads = [1, 1, 1, 1]> (o, w) },
        else_branch = l () => (float[1, 8, 6, 6] e) { e = Neg (c) }>
    },
    else_branch = e () => (float[1, 8, 6, 6] d, float[1, 8, 6, 6] f) {
      f = Identity (a)
      c = Conv <pads = [1, 1, 1, 1]> (a, v)  d = Neg (c) }>
  y = Relu (z)
}"""


@pytest.fixture
def net(tmp_path):
    kernels = {name: noise(8, 8, 3, 3, seed=k) / 8 for k, name in enumerate("wv")}
    model = parsed(TEXT, kernels)
    (branch,) = (a.g for n in model.graph.node for a in n.attribute if a.name == "then_branch")
    weight = next(t for t in model.graph.initializer if t.name == "v")
    branch.initializer.add().CopyFrom(weight)
    branch.initializer[0].name = "own"
    next(node for node in branch.node if node.op_type == "Conv").input[1] = "own"
    saved(model, tmp_path)
    return tmp_path / "model.onnx"


def data(folder, conditions):
    np.savez(
        folder / "data.npz",
        x=noise(len(conditions), 1, 8, 6, 6, seed=3),
        k=np.array(conditions, np.bool_),
    )
    return folder / "data.npz"


def straight(net, tmp_path, conditions):
    loaded = load(net, weights=True)
    read = calibrate.open_data(
        data(tmp_path, conditions), calibrate.declared(loaded), ImageFormat()
    )
    return loaded, straightened(loaded, read, Runtime())


@pytest.mark.parametrize("taken", [True, False])
def test_branches_that_the_data_take_are_moved(net, tmp_path, taken):
    loaded, made = straight(net, tmp_path, [taken] * 16)
    assert not [node for node in made.proto.graph.node if node.op_type == "If"]
    feeds = {"x": noise(1, 8, 6, 6, seed=9), "k": np.array(taken)}
    for one, other in zip(
        runner(loaded, Runtime())(feeds), runner(made, Runtime())(feeds), strict=True
    ):
        assert other == pytest.approx(one, abs=1e-5)


def test_layers_keep_their_ids_and_values_their_names(net, tmp_path):
    loaded, made = straight(net, tmp_path, [True] * 16)
    before = {layer.id: layer for layer in describe(loaded).layers}
    after = {layer.id: layer for layer in describe(made).layers if layer.op_type != "Identity"}
    assert {"z.then/c", "z.then/d.then/e"} < after.keys() < before.keys()
    for id_, layer in after.items():
        assert layer.reads == before[id_].reads
        assert layer.writes == before[id_].writes


def test_what_depends_on_the_sample_stays(net, tmp_path):
    loaded, made = straight(net, tmp_path, [True, False] * 8)
    assert made is loaded


def test_a_model_without_an_if_stays(tmp_path):
    head = TEXT.split("  z, same", maxsplit=1)[0].replace(", float[1, 8, 6, 6] same", "")
    text = head + "y = Relu (a) }"
    saved(parsed(text, {"w": noise(8, 8, 3, 3)}), tmp_path)
    loaded, made = straight(tmp_path / "model.onnx", tmp_path, [True] * 4)
    assert made is loaded


def asked(net, tmp_path, conditions, aim=Aim.MACS, value=0.6):
    known = data(tmp_path, conditions)
    settings = ConvertSettings(Goal(aim, value), calibrate=known, verify=False, tune=0)
    return convert(net, tmp_path / "out.onnx", settings=settings, force=True)


def test_gradients_reach_the_branch_and_fits_see_its_data(net, tmp_path):
    found = asked(net, tmp_path, [True] * 32)
    assert found.gradients is not None
    assert (found.gradients.reached, found.gradients.of) == (3, 3)
    assert found.plan.allocation != "weights"
    inside = [one for one in found.plan.choices if "then/" in one.candidate.id]
    assert inside
    assert all(one.output_error is not None for one in inside)
    feeds = {"x": noise(1, 8, 6, 6, seed=9), "k": np.array(True)}
    (before, _), (after, _) = (
        runner(load(path, weights=True), Runtime())(feeds) for path in (net, tmp_path / "out.onnx")
    )
    assert 0 < np.linalg.norm(before - after) < np.linalg.norm(before)


def test_a_branch_that_the_data_never_take_is_kept(net, tmp_path):
    found = asked(net, tmp_path, [True] * 32)
    reasons = {skip.id: skip.reason for skip in found.plan.kept}
    assert reasons["z.else/c"] == "is in a branch that the calibration data never take"
    every = asked(net, tmp_path, [True] * 32, Aim.RANK, 1)
    assert "z.else/c" in {choice.candidate.id for choice in every.plan.choices}


def test_where_both_are_taken_gradients_end_at_the_if(net, tmp_path):
    found = asked(net, tmp_path, [True, False] * 16)
    assert found.gradients is not None
    assert found.gradients.stopped_by == {"If": 4}
    assert found.gradients.reached == 0
