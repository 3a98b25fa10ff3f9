"""Whether a quality goal is shown, on effects made by hand."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from sepcost.separable.plan.proof import enough, is_shown, searched, stated, unproved
from sepcost.separable.quality.intervals import Estimate, paired_loss, proportion
from sepcost.separable.quality.judge import Quality
from sepcost.separable.runs.output_loss import Effect
from sepcost.separable.settings import Aim, Goal

DROP, ERROR = Goal(Aim.MAX_DROP, 0.01), Goal(Aim.MAX_ERROR, 0.05)


def lost(away, n):
    """An effect in which ``away`` of n right answers are lost."""
    a, b = np.ones(n), (np.arange(n) >= away).astype(float)
    gap = float(np.mean((a - b) ** 2))
    quality = Quality("top1", proportion(a), proportion(b), paired_loss(a, b), gap)
    return Effect(0.0, Estimate(0.1, 0, inf, n), 0.0, None, (quality,), n, 1)


def off(mean, high, n=64):
    return Effect(None, Estimate(mean, mean / 2, high, n), mean**2, None, (), n, 1)


def test_the_bound_decides_and_not_the_mean():
    assert is_shown(DROP, lost(0, 1000))
    assert not is_shown(DROP, lost(8, 1000))
    assert is_shown(ERROR, off(0.04, 0.049))
    assert not is_shown(ERROR, off(0.04, 0.051))


def test_too_few_samples_are_searched_by_the_mean_so_that_something_is_found():
    assert searched(DROP, lost(0, 64)) == 0
    assert searched(DROP, lost(0, 1000)) == pytest.approx(3.8415 / 1003.8415, rel=1e-3)
    assert searched(ERROR, off(0.04, inf, 1)) == 0.04


def test_a_goal_that_is_not_shown_says_how_many_samples_would_show_it():
    message = unproved(DROP, lost(0, 64), "calibration") or ""
    assert message.startswith("goal not shown to be met: asked --max-drop 0.01, estimated 0 points")
    assert "about 381 held-out samples would show it: 1,524 calibration samples" in message
    assert enough(DROP, lost(0, 64)) == 381
    assert unproved(DROP, lost(0, 381), "calibration") is None


def test_samples_that_were_fitted_to_show_nothing():
    message = unproved(DROP, lost(0, 1000), "fitted") or ""
    assert message.startswith("goal not shown to be met: ")
    assert message.endswith("no sample was held out: give more calibration data")
    assert (unproved(DROP, lost(100, 1000), "fitted") or "").startswith("goal not met: ")


def test_a_loss_of_psnr_is_in_decibels():
    effect = lost(100, 1000)
    assert effect.quality is not None
    loud = replace(effect, qualities=(replace(effect.quality, metric="psnr"),))
    assert stated(DROP, loud).startswith("10 dB (95%: ")


def test_more_samples_narrow_an_error():
    """The square's reach of 0.0016 must fall to 0.0009: (16/9)² times the samples."""
    assert enough(ERROR, off(0.04, (0.0016 + 0.0016) ** 0.5)) == 203
    assert enough(ERROR, off(0.06, 0.07)) is None


def test_a_goal_that_is_missed_says_so_with_the_interval():
    message = unproved(DROP, lost(100, 1000), "calibration") or ""
    assert message.startswith("goal not met: asked --max-drop 0.01, best reached 10 points (95%: ")
    assert "−" not in stated(DROP, lost(100, 1000))
    assert "too few for an interval" in (unproved(ERROR, off(0.04, inf, 1), "random") or "")
