"""Dense layers, from the weights or the data to a converted model."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from sepcost.errors import ConversionError
from sepcost.latency.jobs import ModelFile, Runtime
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.routes.convert import apply, convert, plan
from sepcost.separable import session
from sepcost.separable.data import calibrate
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.factors.blocks import Form
from sepcost.separable.factors.kernels import reconstruct
from sepcost.separable.find.candidates import candidates, weight
from sepcost.separable.find.context import context
from sepcost.separable.plan import wide
from sepcost.separable.plan.layer_models import layer_model
from sepcost.separable.plan.menu import Option, menus, offered_ranks
from sepcost.separable.quality.parts import OutputPart
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.sensitivity import sensitivities
from sepcost.separable.settings import FORMS, Aim, ConvertSettings, Goal
from tests.separable.build import noise, parsed, saved

#: A convolution, a Gemm on its channels, and a MatMul on three axes.
TEXT = """<ir_version: 9, opset_import: ["" : 17]>
net (float[N, 8, 6, 6] x) => (float[N, 36, 24] y) {
  c = Conv <pads = [1, 1, 1, 1]> (x, k)
  r = Relu (c)
  s = Constant <value_ints = [0, 16, 36]> ()
  t = Reshape (r, s)
  u = Transpose <perm = [0, 2, 1]> (t)
  m = MatMul (u, w1)
  b = Add (m, b1)
  a = Relu (b)
  y = MatMul (a, w2)
}"""


def fading(*shape, seed):
    """A matrix whose singular values fall quickly."""
    left, sizes, right = np.linalg.svd(noise(*shape, seed=seed), full_matrices=False)
    return ((left * sizes[0] * 0.8 ** np.arange(len(sizes))) @ right).astype(np.float32)


def network(folder):
    weights = {
        "k": noise(16, 8, 3, 3) / 8, "w1": fading(16, 48, seed=1), "b1": noise(48, seed=2),
        "w2": fading(48, 24, seed=3),
    }  # fmt: skip
    np.savez(folder / "data.npz", x=noise(64, 8, 6, 6, seed=4))
    return saved(parsed(TEXT, weights), folder, "net.onnx")


def asked(folder, goal, **changes):
    given = {"calibrate": folder / "data.npz", "tune": 0, "dense": True, "verify": False}
    return ConvertSettings(goal, **(given | changes))


def test_dense_layers_join_the_plan_of_the_convolutions(tmp_path):
    network(tmp_path)
    result = convert(tmp_path / "net.onnx", settings=asked(tmp_path, Goal(Aim.MACS, 0.5)))
    forms = {one.candidate.op_type: one.factors.form for one in result.plan.choices}
    assert set(forms) == {"Conv", "MatMul"}
    assert forms["MatMul"] is Form.BOTTLENECK
    assert forms["Conv"] is not Form.BOTTLENECK
    assert result.after.totals.macs == result.plan.predicted.macs
    assert result.after.totals.macs <= 0.5 * result.before.totals.macs
    assert result.met
    assert all(one.effect is not None for one in result.plan.choices)
    assert result.gradients is not None
    assert result.gradients.reached == result.gradients.of == 3


def test_without_the_setting_dense_layers_are_left_alone(tmp_path):
    network(tmp_path)
    goal = Goal(Aim.RANK, 1)
    result = convert(tmp_path / "net.onnx", settings=asked(tmp_path, goal, dense=False))
    assert [one.candidate.op_type for one in result.plan.choices] == ["Conv"]
    assert result.plan.kept == ()


def test_full_rank_is_exact(tmp_path):
    network(tmp_path)
    settings = asked(tmp_path, Goal(Aim.RANK, 0), calibrate=None, skip=["c"])
    planned = plan(tmp_path / "net.onnx", settings=settings)
    assert [one.factors.rank for one in planned.choices] == [16, 24]
    written = apply(tmp_path / "net.onnx", planned, tmp_path / "out.onnx")
    x = noise(3, 8, 6, 6, seed=9)
    before, after = (
        runner(load(path), Runtime())({"x": x})[0] for path in (tmp_path / "net.onnx", written[0])
    )
    assert after == pytest.approx(before, rel=1e-4, abs=1e-4 * float(np.abs(before).max()))


@pytest.mark.parametrize("rank", [4, 12])
def test_a_fit_is_the_principal_components_of_the_outputs(tmp_path, rank):
    """With inputs as they were, the best rank-R layer keeps the strongest directions of y."""
    loaded = network(tmp_path)
    settings = asked(tmp_path, Goal(Aim.RANK, rank), only=["y"])
    (choice,) = convert(tmp_path / "net.onnx", settings=settings).plan.choices
    data = np.load(tmp_path / "data.npz")["x"]
    (outputs,) = runner(loaded, Runtime(), ["y"])({"x": data})
    values = np.linalg.eigvalsh(np.cov(outputs.reshape(-1, 24).T))[::-1]
    best = np.sqrt(values[rank:].sum() / values.sum())
    assert choice.output_error is not None
    assert choice.output_error == pytest.approx(best, rel=0.25)
    assert choice.output_error < (choice.weight_error or 0)


@pytest.mark.parametrize("converted", [["y"], ["m", "y"]])
def test_many_inputs_are_fitted_by_what_reaches_the_outputs(tmp_path, monkeypatch, converted):
    """As exact as the fit to all inputs, whose covariance is not gathered."""
    network(tmp_path)
    settings = asked(tmp_path, Goal(Aim.RANK, 6), only=converted)
    *_, one = convert(tmp_path / "net.onnx", settings=settings).plan.choices
    monkeypatch.setattr(wide, "WIDE", 20)
    *_, other = convert(tmp_path / "net.onnx", settings=settings).plan.choices
    assert other.output_error == pytest.approx(one.output_error, rel=0.05)
    if converted == ["y"]:  # else inputs that W does not see help to make up for errors in m
        first, second = (reconstruct(choice.factors) for choice in (one, other))
        assert 0 < np.linalg.norm(second - first) < 0.1 * np.linalg.norm(first)
        assert other.factors.bias == pytest.approx(one.factors.bias, abs=0.1)


def test_too_many_outputs_are_left_alone_where_their_covariance_is_needed(tmp_path, monkeypatch):
    network(tmp_path)
    monkeypatch.setattr(session, "MOST_OUTPUTS", 30)
    goal = Goal(Aim.RANK, 4)
    kept = plan(tmp_path / "net.onnx", settings=asked(tmp_path, goal)).kept
    assert {skip.id: skip.reason for skip in kept} == {
        "m": "more than 30 outputs, too many to fit to data"
    }
    assert not plan(tmp_path / "net.onnx", settings=asked(tmp_path, goal, calibrate=None)).kept


def test_a_plan_with_many_inputs_has_gradients_and_effects(tmp_path, monkeypatch):
    network(tmp_path)
    monkeypatch.setattr(wide, "WIDE", 20)
    result = convert(tmp_path / "net.onnx", settings=asked(tmp_path, Goal(Aim.MACS, 0.5)))
    assert result.plan.allocation == "effect"
    assert all(one.effect is not None for one in result.plan.choices)


def test_the_metric_of_a_matmul_counts_all_positions(tmp_path):
    """y = u·w for the output itself: each channel's error counts alike, wherever it is."""
    text = """<ir_version: 9, opset_import: ["" : 17]>
    net (float[N, 5, 8] x) => (float[N, 5, 6] y) { m = MatMul (x, w)  y = Mul (m, s) }"""
    scale = np.arange(1, 7, dtype=np.float32)
    loaded = saved(parsed(text, {"w": noise(8, 6), "s": scale}), tmp_path)
    np.savez(tmp_path / "data.npz", x=noise(512, 5, 8))
    data = calibrate.open_data(tmp_path / "data.npz", calibrate.declared(loaded), ImageFormat())
    described = describe(loaded, shape=data.item or {})
    found = candidates(loaded, described, dense=True).eligible
    parts = [OutputPart("y", 0, 1, None, 1.0)]
    made = sensitivities(context(loaded, described), found, data, Runtime(), parts)
    metric = made.metrics["m"]
    assert metric.shape == (6, 6)
    assert np.diag(metric) / metric[0, 0] == pytest.approx(scale**2, rel=0.3)


def test_the_ranks_on_offer_are_shares_of_the_break_even_rank(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17]>
    net (float[1, 25088] x) => (float[1, 4096] y) { y = Gemm <transB = 1> (x, w) }"""
    model = onnx.parser.parse_model(text)
    model.graph.initializer.append(
        onnx.TensorProto(name="w", data_type=1, dims=[4096, 25088], raw_data=b"")
    )
    loaded = Loaded("net", "net", model)
    (candidate,) = candidates(loaded, describe(loaded), dense=True).eligible
    ranks = offered_ranks(candidate, Form.BOTTLENECK)
    assert ranks == (112, 224, 440, 664, 880, 1320, 1760, 2640)
    (menu,) = menus([candidate], {"y": 25088 * 4096}, FORMS)
    assert [option.form for option in menu.options] == [None, *[Form.BOTTLENECK] * 8]
    assert [option.macs for option in menu.options[1:]] == [rank * 29184 for rank in ranks]


@pytest.mark.parametrize(
    "product",
    [
        "Gemm (x, w, b)", "Gemm <alpha = 0.5, transA = 1, transB = 1> (x, w)", "MatMul (x, w)",
        "MatMul (w, x)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("option", ["original", "option", "neither"])
def test_the_networks_that_layers_are_timed_in_run(tmp_path, product, option):
    turned = "transA" in product
    side = [8, 16] if turned or "(w" in product else [16, 8]
    text = f"""<ir_version: 9, opset_import: ["" : 17]>
    net (float{side} x) => (float y) {{ y = {product} }}"""
    shape = (12, 8) if turned or "(w" in product else (8, 12)
    model = parsed(text, {"w": noise(*shape), "b": noise(12)})
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info("y", 1, [None, None]))
    loaded = saved(model, tmp_path)
    described = describe(loaded)
    (candidate,) = candidates(loaded, described, dense=True).eligible
    choice = {
        "original": Option(None, 0, 0), "option": Option(Form.BOTTLENECK, 3, 0, "sum"),
        "neither": None,
    }[option]  # fmt: skip
    path = tmp_path / "layer.onnx"
    made = layer_model(path, candidate, choice, described)
    assert isinstance(made, ModelFile)
    alone = load(path)
    (result,) = runner(alone, Runtime())({"x": noise(*side)})
    assert result.shape == (tuple(side) if option == "neither" else candidate.layer.outputs[0])
    stored = sum(int(np.prod(tensor.dims)) for tensor in alone.proto.graph.initializer)
    matrices = {"original": 8 * 12, "option": 3 * (8 + 12), "neither": 0}[option]
    assert matrices <= stored <= matrices + 12


def test_random_weights_have_the_architecture(tmp_path):
    network(tmp_path)
    settings = asked(tmp_path, Goal(Aim.RANK, 5), random_init=True, calibrate=None)
    choices = plan(tmp_path / "net.onnx", settings=settings).choices
    dense = [one for one in choices if one.candidate.dense]
    assert [one.factors.spatial.shape for one in dense] == [(1, 5, 16), (1, 5, 48)]
    assert not np.allclose(
        dense[0].factors.pointwise[0] @ dense[0].factors.spatial[0], weight(dense[0].candidate)
    )


def test_a_plan_of_another_model_is_refused(tmp_path):
    network(tmp_path)
    settings = asked(tmp_path, Goal(Aim.RANK, 2), calibrate=None, only=["m"])
    planned = plan(tmp_path / "net.onnx", settings=settings)
    other = parsed(TEXT, {
        "k": noise(16, 8, 3, 3), "w1": noise(16, 40), "b1": noise(40), "w2": noise(40, 24),
    })  # fmt: skip
    saved(other, tmp_path, "other.onnx")
    with pytest.raises(ConversionError, match="'m': the model does not have this"):
        apply(tmp_path / "other.onnx", planned, tmp_path / "out.onnx")
