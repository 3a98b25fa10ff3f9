"""Tuning as the last step of a conversion: when it runs, what it keeps, what it reports."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import numpy as np
import onnx
import pytest

from sepcost.errors import ConversionError
from sepcost.routes.convert import apply, convert
from sepcost.separable import last_step, result
from sepcost.separable.last_step import tuned
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.fixed_rank import at_fixed_rank
from sepcost.separable.session import open_session
from sepcost.separable.settings import Aim, ConvertSettings, Goal, Method, Wanted
from sepcost.separable.tuning import budget
from sepcost.separable.tuning.outcome import is_better
from sepcost.separable.tuning.tune import Tuned, opened
from sepcost.separable.watch import Watch
from tests.separable import networks
from tests.separable.build import noise, parsed, saved
from tests.separable.quantised import WIDTH, kernels, network


@pytest.fixture
def net(tmp_path):
    networks.classifier(tmp_path)
    return tmp_path / "net.onnx"


#: Factors of the weights alone leave much to gain.
ALONE = Method(fitted=False)


def settings(net, passes, rank=1, count=128, method=ALONE, **changes):
    data = networks.data(net.parent, count)
    return ConvertSettings(
        Goal(Aim.RANK, rank), calibrate=data, verify=False, tune=passes, method=method, **changes
    )


def converted(net, passes, name="out.onnx", **changes):
    target = net.with_name(name)
    found = convert(net, target, settings=settings(net, passes, **changes), force=True)
    return found, target


def test_held_out_samples_lose_less(net):
    plain, _ = converted(net, 0)
    found, target = converted(net, 3200)
    assert plain.tuning is None
    assert found.tuning.kept
    assert found.tuning.passes == 3200
    assert found.effect.loss == pytest.approx(found.tuning.after, rel=1e-3)
    assert found.tuning.after < found.tuning.before == pytest.approx(plain.effect.loss, rel=1e-3)
    assert found.effect.loss < 0.7 * plain.effect.loss
    onnx.checker.check_model(target, full_check=True)


def test_the_plan_has_the_tuned_factors(net):
    found, target = converted(net, 640)
    apply(net, found.plan, net.with_name("again.onnx"))
    assert net.with_name("again.onnx").read_bytes() == target.read_bytes()
    assert all(choice.output_error is None for choice in found.plan.choices)


def test_times_are_those_before_tuning(net, monkeypatch):
    """Other factors take as long: the latency is measured once."""
    measured = []
    real = result._latency

    def spy(session, model):
        measured.append(model)
        return real(session, model)

    monkeypatch.setattr(result, "_latency", spy)
    monkeypatch.setattr(last_step, "is_better", lambda before, after: True)
    asked = replace(settings(net, 160), verify=True, latency_time_s=0.2)
    found = convert(net, settings=asked)
    assert len(measured) == 1
    assert found.tuning is not None
    assert found.tuning.kept
    assert found.speedup is not None
    assert all(choice.ns_after for choice in found.plan.choices)
    assert found.fidelity is not None


@pytest.mark.parametrize("threads", [1, 2])
def test_a_seed_repeats_every_byte(net, threads):
    runtime = replace(ConvertSettings().runtime, threads=threads)
    _, one = converted(net, 320)
    _, two = converted(net, 320, "two.onnx", runtime=runtime)
    assert one.read_bytes() == two.read_bytes()


def test_no_passes_change_no_byte(net, monkeypatch):
    _, plain = converted(net, 0)
    monkeypatch.setattr(last_step, "tune", None)
    _, other = converted(net, 0, "other.onnx")
    assert plain.read_bytes() == other.read_bytes()


def test_a_network_that_got_worse_is_thrown_away(net, monkeypatch):
    _, plain = converted(net, 0)
    monkeypatch.setattr(budget, "rate", lambda loss: 3.0)
    found, target = converted(net, 320, "worse.onnx")
    assert not found.tuning.kept
    assert found.tuning.after > found.tuning.before
    assert target.read_bytes() == plain.read_bytes()


def test_nothing_is_tuned_where_nothing_is_lost(net):
    found, _ = converted(net, None, rank=0)
    assert found.tuning is None
    assert not any("not tuned" in note for note in found.notes)


def test_fewer_samples_than_a_step_takes_are_refused_with_the_number(net):
    found, _ = converted(net, 9)
    assert found.tuning is None
    assert "not tuned: --tune 9 is less than the 16 samples of a step" in found.notes


def test_it_needs_data_and_samples_to_hold_out(net):
    with pytest.raises(ConversionError, match="--tune 100: needs calibration data"):
        convert(net, settings=ConvertSettings(Goal(Aim.RANK, 1), tune=100))
    found, _ = converted(net, 320, count=2)
    assert found.tuning is None
    assert any("too few samples" in note for note in found.notes)


def test_held_out_samples_never_enter_the_pool(net, monkeypatch):
    seen = []

    def spy(task, taught):
        seen.extend(task.data.places.tolist())
        return Tuned({}, 0)

    monkeypatch.setattr(last_step, "tune", spy)
    session = open_session(net, settings(net, 320), Wanted(), Watch())
    eligible = session.candidates.eligible
    solved = at_fixed_rank(eligible, session.settings, session.trials)
    assert tuned(session, solved) == (solved, None)
    held = np.concatenate([batch["x"] for batch in session.trials.judged_on.batches])
    pool = networks.images(128)[seen]
    assert len(seen) + len(held) == 128
    assert not any(np.array_equal(one, two) for one in pool for two in held)


def test_a_layer_in_a_function_stays_as_fitted(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17, "own" : 1]>
    net (float[N, 4, 8, 8] x) => (float[N, 4, 8, 8] y) {
      h = own.block (x, w)
      r = Relu (h)
      y = Conv <pads = [1, 1, 1, 1]> (r, v)
    }
    <domain: "own", opset_import: ["" : 17]>
    block (x, w) => (y) { y = Conv <pads = [1, 1, 1, 1]> (x, w) }"""
    weights = {"w": noise(4, 4, 3, 3), "v": noise(4, 4, 3, 3, seed=1)}
    saved(parsed(text, weights), tmp_path, "net.onnx")
    found, _ = converted(tmp_path / "net.onnx", 640)
    assert found.tuning is not None
    (note,) = [note for note in found.notes if note.startswith("not tuned, as no gradients")]
    assert "block" in note or "y" in note


def test_ranges_between_quantised_parts_are_observed_again(tmp_path, monkeypatch):
    saved(network(2), tmp_path)
    data = tmp_path / "data.npz"
    np.savez(data, x=noise(64, WIDTH, 12, 12, seed=6))
    monkeypatch.setattr(last_step, "is_better", lambda before, after: True)
    asked = ConvertSettings(Goal(Aim.RANK, 1), calibrate=data, verify=False, seed=1, tune=320)
    found = convert(tmp_path / "model.onnx", tmp_path / "out.onnx", settings=asked, force=True)
    assert found.tuning is not None
    assert found.tuning.after == pytest.approx(found.effect.loss, rel=1e-3)
    session = open_session(tmp_path / "model.onnx", asked, Wanted(), Watch())
    done: list[Choice] = []
    for choice in found.plan.choices:
        again = session.fitter.ranged(replace(choice, ranges=None), done)
        assert choice.ranges
        assert again.ranges == choice.ranges
        done.append(choice)
    x = {"x": noise(4, WIDTH, 12, 12, seed=5)}
    assert kernels(onnx.load(tmp_path / "out.onnx"), x, tmp_path)["QLinearConv"] == 4


@pytest.mark.parametrize(
    ("after", "kept"), [(1.9, True), (2.1, False), (2.0, False), (nan, False), (inf, False)]
)
def test_the_better_on_average_is_kept(after, kept):
    assert is_better(2.0, after) == kept


@pytest.mark.parametrize(
    ("most", "seconds", "expected"),
    [(80_000, 1e-3, 80_000), (80_000, 0.021, 8_000), (5_000, 1e-3, 4_000), (40_000, 0.3, 0)],
)
def test_passes_take_about_two_minutes_and_are_of_few_numbers(most, seconds, expected):
    assert budget.affordable(most, seconds) == expected
    assert expected * seconds <= budget.SECONDS


def test_the_time_of_a_pass_is_measured_unless_passes_are_given(net, monkeypatch):
    asked = []

    def costly(task, taught):
        asked.append(taught)
        return budget.SECONDS / 1_999

    monkeypatch.setattr(budget, "LEAST", 0.0)
    monkeypatch.setattr(last_step, "pass_seconds", costly)
    lessons = []

    def counted(task):
        lessons.append(opened(task))
        return lessons[-1]

    monkeypatch.setattr(last_step, "opened", counted)
    found, _ = converted(net, None)
    assert asked == lessons
    assert len(lessons) == 1
    assert found.tuning.passes == 1_500
    converted(net, 160)
    assert len(asked) == 1


def test_the_budget_shrinks_with_the_size_and_the_rate_grows_with_the_damage():
    assert budget.passes(0.5, 1, 15) == 0
    assert budget.passes(0.001, 1, 16) == 0
    assert budget.passes(float("nan"), 1, 16) == 0
    assert budget.passes(0.02, 1, 16) == budget.MOST_PASSES
    assert budget.passes(0.02, 5 * 10**9, 16) == budget.MACS // (5 * 10**9)
    assert budget.passes(0.5, 10**11, 16) == 0
    assert budget.rate(0.01) < budget.rate(0.1) < budget.rate(1.0) == budget.rate(10.0)
