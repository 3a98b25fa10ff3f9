"""The complete conversion of small networks: goals, predictions and written files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import threadpoolctl

from sepcost.cost.count import count
from sepcost.errors import ConversionError
from sepcost.latency.inputs import random_inputs
from sepcost.model.describe import describe
from sepcost.model.load import load
from sepcost.routes.analyze import analyze
from sepcost.routes.convert import convert
from sepcost.separable import convert as route
from sepcost.separable import references
from sepcost.separable.result import finished
from sepcost.separable.settings import Aim, ConvertSettings, Goal, Method, Saving
from sepcost.separable.verify import compare
from tests.separable import networks
from tests.separable.build import noise, parsed, saved

SHARED = Path(__file__).parents[2] / ".." / "shared"


def asked(aim, value, **changes):
    return ConvertSettings(goal=Goal(aim, value), verify=False, **changes)


def apart(a, b):
    """The distance between the outputs of two files."""
    before, after = load(a), load(b)
    feeds, _ = random_inputs(describe(before).inputs, 5)
    error = compare(before, after, feeds).relative_error
    assert error is not None
    return error


@pytest.fixture
def net(tmp_path):
    networks.classifier(tmp_path)
    return tmp_path / "net.onnx"


def run(net, settings, **how):
    target = net.with_name("out.onnx")
    return convert(net, target, settings=settings, **how), target


def test_full_rank_computes_the_same(net):
    found, target = run(net, asked(Aim.RANK, 0))
    assert len(found.plan.choices) == 2
    assert found.written == (target,)
    assert apart(net, target) < 1e-5


@pytest.mark.parametrize(("aim", "value"), [(Aim.RANK, 1), (Aim.MACS, 0.5), (Aim.MAX_ERROR, 0.2)])
def test_predicted_costs_are_those_of_the_file(net, aim, value):
    found, target = run(net, asked(aim, value))
    written = count(describe(load(target)), "").totals.macs
    assert (
        found.plan.predicted.macs == written == found.after.totals.macs < found.before.totals.macs
    )


def test_a_layer_in_a_function_called_twice_costs_twice(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17, "own" : 1]>
    net (float[1, 8, 6, 6] x) => (float[1, 8, 6, 6] y) { h = own.block (x, w) y = own.block (h, w) }
    <domain: "own", opset_import: ["" : 17]>
    block (x, w) => (y) { y = Conv <pads = [1, 1, 1, 1]> (x, w) }"""
    path = saved(parsed(text, {"w": noise(8, 8, 3, 3)}), tmp_path).path
    found, target = run(path, asked(Aim.RANK, 1))
    written = count(describe(load(target)), "").totals.macs
    assert found.plan.predicted.macs == found.plan.choices[0].macs_after == written


#: Two branches of equal cost; ``condition`` decides which one runs, or leaves it open.
BRANCHES = """<ir_version: 9, opset_import: ["" : 17]>
net (float[1, 8, 4, 4] x, bool c) => (float[1, 8, 4, 4] y) {{
  y = If ({condition}) <
    then_branch = a () => (float[1, 8, 4, 4] p) {{ p = Conv <pads = [1, 1, 1, 1]> (x, w) }},
    else_branch = b () => (float[1, 8, 4, 4] q) {{ q = Conv <pads = [1, 1, 1, 1]> (x, v) }}>
}}"""


def choosing(folder, condition):
    weights = {"w": noise(8, 8, 3, 3), "v": noise(8, 8, 3, 3, seed=1), "no": np.array(False)}
    return saved(parsed(BRANCHES.format(condition=condition), weights), folder).path


@pytest.mark.parametrize("only", [["*/p"], ["*/q"], ["*"]])
def test_the_costs_of_a_conversion_are_those_of_the_most_expensive_branch(tmp_path, only):
    path = choosing(tmp_path, "c")
    found = convert(path, settings=asked(Aim.RANK, 1, only=only))
    assert found.plan.predicted.macs == found.after.totals.macs
    halved = convert(path, settings=asked(Aim.MACS, 0.5, only=only))
    assert bool(halved.missed) == (only != ["*"])


def test_an_impossible_saving_is_not_met(net):
    found, target = run(net, asked(Aim.MACS, 0.5, skip=["*"]))
    assert "no eligible convolution was selected" in found.missed
    assert not target.exists()
    assert convert(net, settings=asked(Aim.MAX_ERROR, 0.1, skip=["*"])).missed is None


def test_of_two_goals_the_saving_is_not_met_if_nothing_is_worth_its_error(net):
    both = asked(Aim.MACS, 0.5, also=Goal(Aim.MAX_ERROR, 1e-9))
    found = convert(net, settings=both)
    assert not found.plan.choices
    asked_for = (
        "goal not met: asked --macs 0.5, but every replacement loses too much for what it saves; "
        "closest: "
    )
    assert found.missed is not None
    assert found.missed.startswith(asked_for)
    assert found.missed.endswith(
        "--max-error 1e-09 with nothing converted, or --macs 0.5 with an unknown loss"
    )
    assert not found.met


def test_an_unchanged_model_has_no_error(net):
    found = convert(net, settings=asked(Aim.MAX_ERROR, 1e-9))
    assert not found.plan.choices
    assert found.to_dict()["effect"]["relative_error"] == 0


def test_a_branch_that_never_runs_saves_nothing(tmp_path):
    path = choosing(tmp_path, "no")
    found = convert(path, settings=asked(Aim.MACS, 0.5))
    assert [choice.candidate.id for choice in found.plan.choices] == ["y.else/q"]
    assert found.after.totals.macs <= found.before.totals.macs / 2
    assert "never runs" in {skip.id: skip.reason for skip in found.plan.kept}["y.then/p"]


def test_costs_before_and_after_use_the_same_shapes(tmp_path):
    """The output of an unknown operator is only declared, and trusted if no size is given."""
    model = parsed(
        """<ir_version: 9, opset_import: ["" : 17, "acme" : 1]>
        g (float[n] x) => (float[1, 6, 6, 6] y) <float[1, 4, 8, 8] h, float[6, 4, 3, 3] w>
        { h = acme.Decode (x) y = Conv (h, w) }""",
        {"w": noise(6, 4, 3, 3)},
    )
    loaded = saved(model, tmp_path)
    found, target = run(loaded.path, asked(Aim.RANK, 1))
    after = analyze(target).totals.macs
    assert found.plan.predicted.macs == found.after.totals.macs == after == 36 * (36 + 24)


def test_the_share_of_macs_is_met(net):
    for share in (0.3, 0.6, 0.9):
        found = convert(net, settings=asked(Aim.MACS, share))
        assert not found.missed
        assert found.after.totals.macs <= share * found.before.totals.macs


@pytest.mark.parametrize("data", [False, True])
def test_the_share_of_params_is_met(net, tmp_path, data):
    """A fit may add a bias where the original has none, which counts."""
    given_ = {"calibrate": networks.data(tmp_path, 64)} if data else {}
    for share in (0.4, 0.7):
        found = convert(net, settings=asked(Aim.PARAMS, share, dense=True, **given_))
        assert not found.missed
        assert found.after.totals.params <= share * found.before.totals.params
        assert found.after.totals.macs < found.before.totals.macs


def test_params_that_cannot_be_saved_are_a_goal_not_met(net):
    found = convert(net, settings=asked(Aim.PARAMS, 0.01))
    assert found.missed is not None
    assert found.missed.startswith("goal not met: asked --params 0.01, best reached 0.")


def test_params_are_saved_where_they_are(tmp_path):
    """Most MACs are in the convolution, most params in the dense layer."""
    text = """<ir_version: 9, opset_import: ["" : 17]>
    net (float[1, 8, 16, 16] x) => (float[1, 64] y) {
      c = Conv <pads = [1, 1, 1, 1]> (x, w)
      p = MaxPool <kernel_shape = [4, 4], strides = [4, 4]> (c)
      f = Flatten (p)
      y = Gemm (f, v)
    }"""
    path = saved(parsed(text, {"w": noise(8, 8, 3, 3), "v": noise(128, 64)}), tmp_path).path
    assert path is not None
    for aim, layer in ((Aim.MACS, "c"), (Aim.PARAMS, "y")):
        found = convert(path, settings=asked(aim, 0.6, dense=True))
        assert [one.candidate.id for one in found.plan.choices] == [layer]
        assert not found.missed


def test_more_macs_never_lose_more_in_the_plan(net):
    losses = [
        convert(net, settings=asked(Aim.MACS, share)).plan.predicted.loss or 0.0
        for share in (0.3, 0.5, 0.7, 0.9)
    ]
    assert losses == sorted(losses, reverse=True)


def test_the_predicted_loss_is_the_sum_over_the_layers(net, tmp_path):
    data = networks.data(tmp_path, 64)
    found = convert(net, settings=asked(Aim.MACS, 0.5, calibrate=data))
    effects = [choice.effect or 0.0 for choice in found.plan.choices]
    assert found.plan.predicted.loss == pytest.approx(sum(effects))
    assert all(effects)


def test_the_error_goal_is_met(net):
    found = convert(net, settings=asked(Aim.MAX_ERROR, 0.1))
    assert found.plan.choices
    assert found.effect.relative_error <= 0.1


def test_data_give_smaller_errors_than_weights_alone(net, tmp_path):
    data = networks.data(tmp_path)
    settings = asked(Aim.RANK, 1, calibrate=data)
    with_data = convert(net, settings=settings)
    blind = convert(net, settings=asked(Aim.RANK, 1, calibrate=data, method=Method(fitted=False)))
    assert with_data.inputs == blind.inputs == "calibration"
    assert with_data.effect.relative_error < 0.8 * blind.effect.relative_error


def test_later_layers_undo_errors_of_earlier_ones(net, tmp_path):
    data = networks.data(tmp_path)
    together = convert(net, settings=asked(Aim.RANK, 1, calibrate=data))
    apart = convert(
        net, settings=asked(Aim.RANK, 1, calibrate=data, method=Method(asymmetric=False))
    )
    assert together.effect.relative_error < apart.effect.relative_error


def test_effects_are_measured_with_data(net, tmp_path):
    found = convert(net, settings=asked(Aim.MACS, 0.5, calibrate=networks.data(tmp_path)))
    assert found.plan.allocation in {"effect", "gradients", "own error"}
    for choice in found.plan.choices:
        assert choice.effect is not None
        assert choice.output_error is not None


def test_the_drop_goal_is_met(net, tmp_path):
    data = networks.labelled(tmp_path, net)
    found = convert(net, settings=asked(Aim.MAX_DROP, 0.15, calibrate=data))
    assert found.plan.choices
    assert found.effect.quality is not None
    assert found.effect.quality.metric == "top1"
    assert found.effect.quality.loss.high <= 0.15  # the bound, not the mean
    assert found.effect.samples == 32  # every fourth sample is held out


def test_a_missed_goal_is_not_written_unless_forced(net):
    found, target = run(net, asked(Aim.MACS, 0.001))
    assert found.missed is not None
    assert "--macs 0.001" in found.missed
    assert not target.exists()
    found, _ = run(net, asked(Aim.MACS, 0.001), force=True)
    assert found.written == (target,)


def test_speed_is_measured_and_planned_again(net, tmp_path, monkeypatch):
    """Fake times: a network of n nodes takes n µs, a single layer 1 µs per MAC."""
    monkeypatch.setattr("sepcost.separable.plan.layer_times.child.execute", played)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = convert(net, settings=asked(Aim.SPEEDUP, 1.3, reduce=Saving.LATENCY))
    assert found.plan.choices
    assert found.measured is not None
    assert found.plan.predicted.speedup is not None
    assert (tmp_path / "cache" / "sepcost" / "layers.json").exists()


def test_a_speed_up_missed_in_the_final_measurement_is_planned_again(net, tmp_path, monkeypatch):
    """The first result is a tenth slower than the search measured."""
    monkeypatch.setattr("sepcost.separable.plan.layer_times.child.execute", played)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen = []

    def judging(job, found):
        seen.append((found.measured, found.measured / job.trials.correction))
        if len(seen) == 1:
            return SimpleNamespace(missed="too slow", speedup=0.9 * found.measured)
        return finished(job, found)

    monkeypatch.setattr("sepcost.separable.convert.finished", judging)
    convert(net, settings=asked(Aim.SPEEDUP, 1.3, reduce=Saving.LATENCY))
    (first, _), (second, uncorrected), *_ = seen
    assert first >= 1.3
    assert second >= 1.3
    assert uncorrected == pytest.approx(second / 0.9)


@pytest.mark.parametrize("also", [None, Goal(Aim.MAX_ERROR, 0.5)])
def test_a_result_that_is_fast_enough_but_misses_something_else_is_not_planned_again(
    net, tmp_path, monkeypatch, also
):
    monkeypatch.setattr("sepcost.separable.plan.layer_times.child.execute", played)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen = []

    def judging(job, found):
        seen.append(found)
        return replace(finished(job, found), missed="no longer does its job", latency=FAST)

    monkeypatch.setattr("sepcost.separable.convert.finished", judging)
    convert(net, settings=asked(Aim.SPEEDUP, 1.3, reduce=Saving.LATENCY, also=also))
    assert len(seen) == 1


#: A measured speed-up of 1.4.
FAST: Any = SimpleNamespace(comparisons=[SimpleNamespace(ratio=SimpleNamespace(estimate=1 / 1.4))])


def played(job, *_):
    """The answers of a fake worker, with times from the number of weight elements."""
    samples = []
    for model in job.models:
        graph = onnx.load(model.path).graph
        size = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
        samples.append({"wall_ns": [1000 * size] * 10, "switches": [0] * 10, "cpu_ns": []})
    return {"samples": samples}


def test_random_weights_keep_only_the_architecture(net, tmp_path):
    settings = asked(Aim.RANK, 1, random_init=True)
    found, target = run(net, settings)
    assert all(choice.weight_error is None for choice in found.plan.choices)
    kept = convert(net, tmp_path / "kept.onnx", settings=asked(Aim.RANK, 1))
    assert found.after.totals.macs == kept.after.totals.macs
    assert apart(net, target) > 2 * apart(net, tmp_path / "kept.onnx")
    first = target.read_bytes()
    run(net, settings, force=True)
    assert target.read_bytes() == first


def test_the_model_is_not_run_if_it_need_not_be(net, monkeypatch):
    monkeypatch.setattr(references, "runner", pytest.fail)
    found = convert(net, settings=asked(Aim.MACS, 0.5))
    assert found.plan.choices
    assert found.to_dict()["effect"]["relative_error"] is None
    assert "errors are unknown because the model was not run" in " ".join(found.notes)


@pytest.mark.parametrize("aim", [Aim.RANK, Aim.MAX_ERROR, Aim.SPEEDUP])
def test_a_model_without_convolutions_is_not_run_and_need_not_run(tmp_path, aim):
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 17, "acme": 1]>'
        "g (float[4] x) => (float[4] y) { y = acme.Unheard (x) }"
    )
    onnx.save(model, tmp_path / "m.onnx")
    found = convert(
        tmp_path / "m.onnx", tmp_path / "out.onnx", settings=ConvertSettings(Goal(aim, 2))
    )
    assert found.notes == ("nothing worth converting: no convolution can be converted",)
    assert found.missed is not None
    assert "no convolution can be converted" in found.missed
    assert "--copy-unchanged" in found.missed
    assert not (tmp_path / "out.onnx").exists()
    asked_only = convert(tmp_path / "m.onnx", settings=ConvertSettings(Goal(aim, 2)))
    assert bool(asked_only.missed) == (aim is Aim.SPEEDUP)  # which was not pursued


def test_only_and_skip_choose_by_name_or_id(net):
    for chosen in ({"only": ["a"]}, {"skip": ["b*"]}):
        found = convert(net, settings=asked(Aim.RANK, 0, **chosen))
        assert [choice.candidate.id for choice in found.plan.choices] == ["a"]
        reasons = {skip.id: skip.reason for skip in found.plan.kept}
        assert "--" in reasons["b"]


def test_a_converted_model_does_not_change_again(net):
    _, target = run(net, asked(Aim.RANK, 1))
    found = convert(target, settings=asked(Aim.RANK, 1))
    assert found.plan.choices == ()
    assert found.missed is None
    assert "nothing worth converting" in " ".join(found.notes)


def test_nothing_worth_converting_is_a_result(net):
    found = convert(net, settings=asked(Aim.MAX_ERROR, 1e-9))
    assert found.plan.choices == ()
    assert found.missed is None
    assert found.after is found.before


def test_a_file_that_was_asked_for_is_never_left_absent_or_stale_in_silence(net):
    found, target = run(net, asked(Aim.MAX_ERROR, 1e-9))
    assert "--copy-unchanged" in found.missed
    assert found.verdict == "met"  # the goal: an unchanged model has no error
    assert not target.exists()
    target.write_text("of last week")
    found, _ = run(net, asked(Aim.MAX_ERROR, 1e-9), force=True)
    assert "the existing file is older" in found.missed
    assert target.read_text() == "of last week"
    found, _ = run(net, asked(Aim.MAX_ERROR, 1e-9), force=True, copy_unchanged=True)
    assert found.missed is None
    assert found.written == (target,)
    assert apart(net, target) == 0


def test_the_frontier_trades_error_for_macs(net, monkeypatch):
    monkeypatch.setattr("sepcost.separable.plan.layer_times.child.execute", played)
    found = convert(net, settings=asked(Aim.MACS, 0.5), frontier=True)
    macs = [point.macs for point in found.frontier]
    assert len(macs) > 3
    assert macs == sorted(macs)
    assert found.frontier[-1].converted == 0
    assert found.frontier[-1].relative_error == 0


def test_the_document_is_plain(net):
    import json

    document = convert(net, settings=asked(Aim.MACS, 0.5)).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False))["schema"] == "sepcost/convert/1"


@pytest.mark.parametrize(
    ("goal", "changes", "words"),
    [
        ((Aim.SPEEDUP, 1.0), {}, "above 1"),
        ((Aim.MACS, 1.0), {}, "below 1"),
        ((Aim.MAX_ERROR, 0.0), {}, "above 0"),
        ((Aim.RANK, 1.5), {}, "positive integer"),
        ((Aim.MAX_DROP, 0.01), {}, "--calibrate"),
        ((Aim.MACS, 0.5), {"random_init": True}, "--rank"),
        ((Aim.MACS, 0.5), {"emit": "spiral"}, "spiral"),
    ],
)
def test_invalid_requests_are_refused(net, goal, changes, words):
    with pytest.raises(ConversionError, match=words):
        convert(net, settings=asked(*goal, **changes))


def test_an_invalid_target_is_refused_before_the_work(net, tmp_path, monkeypatch):
    monkeypatch.setattr(route, "open_session", pytest.fail)
    settings = asked(Aim.RANK, 1)
    with pytest.raises(ConversionError, match="never overwritten"):
        convert(net, net, settings=settings, force=True)
    with pytest.raises(ConversionError, match="folder"):
        convert(net, tmp_path, settings=settings)
    with pytest.raises(ConversionError, match="does not exist; create it first"):
        convert(net, tmp_path / "nowhere" / "x.onnx", settings=settings)
    taken = tmp_path / "taken.onnx"
    taken.touch()
    with pytest.raises(ConversionError, match="--force"):
        convert(net, taken, settings=settings)


def test_labels_are_needed_for_top_1_only(net, tmp_path):
    settings = asked(Aim.MAX_DROP, 0.2, calibrate=networks.data(tmp_path))
    found = convert(net, settings=settings)
    assert found.effect.quality is not None
    assert found.effect.quality.metric == "agreement"
    with pytest.raises(ConversionError, match="label per sample"):
        convert(net, settings=replace(settings, metric="top1"))


def test_linear_algebra_runs_on_one_thread(net, monkeypatch):
    seen: list[int] = []

    def planned(*_):
        pools = threadpoolctl.threadpool_info()
        seen.extend(one["num_threads"] for one in pools if one["user_api"] == "blas")
        raise ConversionError("enough")

    monkeypatch.setattr(route, "_planned", planned)
    with pytest.raises(ConversionError, match="enough"):
        convert(net, settings=asked(Aim.MACS, 0.5))
    assert seen
    assert set(seen) == {1}
