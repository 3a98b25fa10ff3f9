"""A conversion that must stop gives the best plan found so far, and says what it left out."""

from __future__ import annotations

from itertools import count

import numpy as np
import onnx
import pytest

from sepcost.errors import TimeUpError
from sepcost.routes.convert import convert
from sepcost.separable.plan.goals import settle
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from sepcost.separable.watch import Stage, Watch
from tests.separable import networks

GOALS = [Goal(Aim.MACS, 0.5), Goal(Aim.MAX_ERROR, 0.3), Goal(Aim.RANK, 1)]

FIRST = 8  # questions until there is a plan


def after(questions):
    """Answers that it is over from one question on."""
    numbers = count()
    return lambda: next(numbers) >= questions


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    folder = tmp_path_factory.mktemp("net")
    networks.classifier(folder)
    networks.data(folder, 128)
    return folder / "net.onnx"


def converted(net, goal, questions, out=None):
    data = net.with_name("calibration.npz")
    settings = ConvertSettings(goal, verify=False, calibrate=data, tune=320)
    return convert(net, out, settings=settings, force=True, should_stop=after(questions))


def test_before_there_is_a_plan_it_is_an_error(net, tmp_path):
    with pytest.raises(TimeUpError, match=r"^stopped before there was a plan$") as error:
        converted(net, GOALS[0], 0, tmp_path / "out.onnx")
    assert error.value.exit_code == 1
    with pytest.raises(TimeUpError, match=r"no plan was found within 60 s; raise --max-time"):
        Watch(limit_s=60, started=-60.0).check()
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.words)
def test_wherever_it_stops_later_there_is_a_plan(net, goal, tmp_path):
    whole, cut = converted(net, goal, 1_000_000), 0
    for questions in count(FIRST, step=5):
        out = tmp_path / f"{questions}.onnx"
        found = converted(net, goal, questions, out)
        if not any("best plan found so far" in note for note in found.notes):
            assert found.after.totals.macs == whole.after.totals.macs
            assert found.notes == whole.notes
            break
        cut += 1
        assert found.plan.choices
        if goal.aim is Aim.MACS:
            assert found.missed is None
            assert found.after.totals.macs <= 0.5 * found.before.totals.macs
        onnx.checker.check_model(out, full_check=True)
    assert cut > 2


def test_the_note_names_what_is_left_out(net):
    known = [converted(net, GOALS[0], questions).notes for questions in range(FIRST, 60, 6)]
    told = " ".join(note for notes in known for note in notes if "left out" in note)
    for words in ("stopped on request: this is", "fits of 2 of 2 layers", "effects of",
                  "final fits", "tuning"):  # fmt: skip
        assert words in told


def test_a_layer_that_was_not_fitted_keeps_the_fit_to_its_weights(net):
    found = next(
        one
        for one in (converted(net, GOALS[2], questions) for questions in range(FIRST, 60))
        if any("final fits" in note for note in one.notes)
    )
    assert [choice.output_error for choice in found.plan.choices] == [None, None]
    assert all(choice.weight_error for choice in found.plan.choices)


def test_the_limit_counts_from_the_start(monkeypatch):
    now = iter([105.9, 106.0, 109.9, 110.0])
    monkeypatch.setattr("sepcost.separable.watch.monotonic", lambda: next(now))
    watch = Watch(limit_s=10, started=100.0)
    search = watch.within(0.6)
    assert [search.over, search.over, watch.over, watch.over] == [False, True, False, True]


def test_what_a_part_leaves_out_is_noted_by_the_whole():
    watch = Watch(limit_s=60)
    watch.within(0.5).leave_out("final fits")
    watch.within(0.9).leave_out("tuning")
    assert watch.notes == (
        "stopped after 60 s (--max-time): this is the best plan found so far; "
        "left out: final fits, tuning",
    )
    assert Watch().notes == ()


def test_the_rest_of_the_time_passes_evenly(monkeypatch):
    now = iter([4.0, 4.0, 7.0, 12.0, 0.0])
    monkeypatch.setattr("sepcost.separable.watch.monotonic", lambda: next(now))
    watch = Watch(limit_s=10, started=0.0)
    passed = watch.part_of_rest()
    assert [passed(), passed(), passed()] == pytest.approx([0, 0.5, 1])
    assert Watch(started=0.0).part_of_rest()() == 0


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Stage("reading the model"), "reading the model"),
        (Stage("fitting", 3, 12, "conv4"), "fitting 3 of 12: conv4"),
        (Stage("timing layers", 3, 12), "timing layers 3 of 12"),
    ],
)
def test_a_step_in_words(step, says):
    assert str(step) == says


def test_a_search_that_stops_ends_at_the_best_known_place():
    def found(probes):
        over = after(probes)

        def probe(place):
            if over():
                raise TimeUpError
            return place >= 40, place - 7 if place >= 40 else place + 7

        return settle((-1, 61), 50, probe, upward=False)

    assert [found(probes) for probes in (0, 1, 2, 3, 9)] == [50, 50, 43, 43, 40]


def test_steps_are_counted(net):
    heard: list[Stage] = []
    data = net.with_name("calibration.npz")
    settings = ConvertSettings(GOALS[0], verify=False, calibrate=data, tune=640)
    convert(net, settings=settings, on_progress=heard.append)
    counted = {step.doing: step.of for step in heard}
    assert counted["computing gradients"] == counted["running calibration data"] == 3
    assert counted["comparing fits of layer"] == 2
    assert counted["tuning all layers, step"] == 40
    for doing, of in counted.items():
        numbers = [step.number for step in heard if step.doing == doing]
        assert not of or max(numbers) <= of
    assert np.all([step.number >= 0 for step in heard])
