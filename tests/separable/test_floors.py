"""What every result has to hold, on effects made by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sepcost.separable import floors
from sepcost.separable.quality.intervals import Estimate, paired_loss, proportion
from sepcost.separable.quality.judge import Quality
from sepcost.separable.runs.output_loss import Effect
from sepcost.separable.settings import Aim, ConvertSettings, Goal

MACS = ConvertSettings(Goal(Aim.MACS, 0.5))
FINE = Estimate(0.1, 0.09, 0.11, 64)
WRONG = Estimate(0.5, 0.4, 0.6, 64)


def scored(same, n, metric="agreement"):
    """``same`` of n answers stay the same."""
    a, b = np.ones(n), (np.arange(n) < same).astype(float)
    gap = float(np.mean((a - b) ** 2))
    return Quality(metric, proportion(a), proportion(b), paired_loss(a, b), gap)


def effect(*qualities, error=FINE, others=None):
    return Effect(0.0, error, 0.0, others, qualities, error.samples, 2)


def broken(found, settings=MACS, inputs="calibration"):
    return floors.broken(found, settings, inputs) or ""


@pytest.mark.parametrize("metric", ["agreement", "text", "boxes"])
def test_answers_that_change_too_often_are_refused(metric):
    assert not broken(effect(scored(61, 64, metric)))
    assert "87.5% on 64 held-out samples, below 90%" in broken(effect(scored(56, 64, metric)))


@pytest.mark.parametrize(("n", "shown"), [(4, False), (15, False), (16, True), (64, True)])
def test_few_samples_show_nothing_even_if_all_agree(n, shown):
    assert bool(broken(effect(scored(n, n)))) != shown


def test_it_says_how_many_samples_would_do():
    assert "give at least 64 calibration samples" in broken(effect(scored(4, 4)))


def test_the_floor_of_agreement_gives_way_to_a_goal_in_quality():
    found = effect(scored(32, 64))
    assert broken(found)
    assert not broken(found, replace(MACS, also=Goal(Aim.MAX_DROP, 0.6)))


def test_an_output_far_off_is_refused_whatever_the_classes_say():
    found = effect(scored(64, 64), others=WRONG)
    assert "off by 50% of its spread" in broken(found)
    assert broken(found, ConvertSettings(Goal(Aim.MAX_DROP, 0.01)))
    assert not broken(found, ConvertSettings(Goal(Aim.MAX_ERROR, 0.6)))


def test_an_error_whose_bound_is_too_large_is_not_shown():
    found = effect(scored(64, 64), others=Estimate(0.2, 0.0, 0.39, 16))
    assert "off by 20% of its spread on 16 held-out samples, too few" in broken(found)
    assert not broken(effect(scored(64, 64), others=Estimate(0.2, 0.15, 0.25, 16)))


def test_on_random_inputs_only_the_error_tells():
    assert not broken(effect(scored(0, 4)), inputs="random")
    assert "on random inputs" in broken(effect(error=WRONG), inputs="random")


def test_weights_to_train_are_not_judged():
    settings = ConvertSettings(Goal(Aim.RANK, 1), random_init=True)
    assert not broken(effect(error=WRONG), settings, "random")


def test_nothing_is_said_of_a_model_that_was_not_run():
    assert not broken(replace(effect(error=WRONG), batches=0))


@pytest.mark.parametrize(
    ("speedup", "fine"), [(None, True), (1.2, True), (1.0, False), (0.8, False)]
)
def test_a_result_that_is_not_faster_is_refused(speedup, fine):
    assert (floors.slower(speedup) is None) == fine


def choice(weight_error: float, stored: str | None = None) -> Any:
    kept = None if stored is None else SimpleNamespace(dtype=stored)
    candidate = SimpleNamespace(name="conv", id="c", stored=kept)
    factors = SimpleNamespace(form="block-pointwise")
    return SimpleNamespace(candidate=candidate, factors=factors, weight_error=weight_error)


def test_full_rank_is_exact_or_says_which_layer_is_not():
    assert floors.inexact((choice(1e-7), choice(1e-6, "float16"))) is None
    assert "'conv' is off by 55.0%" in (floors.inexact((choice(0.55),)) or "")
    assert "stored as int8" in (floors.inexact((choice(1e-7, "int8"),)) or "")
