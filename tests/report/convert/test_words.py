"""A conversion in words."""

from dataclasses import replace

import numpy as np
import pytest

from sepcost.report.convert import words
from sepcost.separable.quality.intervals import Estimate, paired_loss, proportion
from sepcost.separable.quality.judge import COMPARED_ON, Quality
from sepcost.separable.runs.output_loss import Effect
from sepcost.separable.tuning.outcome import Tuning
from tests.report.html import pages
from tests.report.render import render

ERROR = Estimate(0.1, 0.08, 0.12, 2000)


def quality(metric, before, after, n=2000):
    """Scores of 0 and 1: ``before`` and ``after`` of n samples are right."""
    a, b = (np.arange(n) < count for count in (before, after))
    return Quality(metric, proportion(a), proportion(b), paired_loss(a, b), abs(before - after) / n)


def judged(*qualities):
    effect = Effect(0.01, ERROR, 0.01, None, qualities, 2000, 63)
    return replace(pages.conversion(), effect=effect, inputs="calibration")


#: 1,828 and 1,812 of 2,000 samples are right: 0.8 points lost.
TOP1 = quality("top1", 1828, 1812)
LINE = "−0.8 points; 95%: −1.3 to −0.4; 2,000 held-out samples"


def test_top_1_is_shown_before_and_after_with_its_interval():
    assert f"top-1: 91.4% → 90.6% ({LINE})" in list(words.facts(judged(TOP1)))
    assert words.headline(judged(TOP1)).endswith("; top-1 91.4% → 90.6%")


@pytest.mark.parametrize("kind", ["table", "markdown", "html"])
def test_every_report_has_it(kind):
    assert LINE in render("convert", kind, judged(TOP1))


def test_what_is_compared_with_the_original_has_one_score():
    found = judged(quality("agreement", 2000, 1900))
    assert words.headline(found).endswith("; agreement with the original 95.0%")
    assert "agreement with the original: 95.0% (−5.0 points" in " ".join(words.facts(found))
    assert words.headline(judged(quality("psnr", 2000, 800))).endswith("; PSNR 40.0 dB")
    assert words.headline(judged(quality("mine:f1", 1800, 1600))).endswith(
        "; mine:f1 90.0% → 80.0%"
    )


def test_the_error_has_its_interval():
    line = "output error: 10.00% of the spread (95%: 8.00% to 12.00%; 2,000 held-out samples)"
    assert line in list(words.facts(judged()))


def test_a_score_that_only_repeats_the_output_error_is_left_out():
    found = judged(quality("error", 2000, 1800))
    assert "1 − output error" not in " ".join(words.facts(found))
    assert "1 − output error" not in render("convert", "html", found)


def test_the_goal_is_met_missed_or_met_below_a_minimum_requirement():
    found = judged()
    below = replace(found, missed="minimum requirement not met: slower")
    missed = replace(found, missed="goal not met: asked", met=False)
    unproved = replace(found, missed="goal not shown to be met: asked", met=False)
    four = (found, below, missed, unproved)
    ends = [next(words.facts(one)).partition(" (")[2] for one in four]
    assert ends == [
        "",
        "met, but a minimum requirement is not)",
        "not met)",
        "not shown to be met)",
    ]
    assert [one.to_dict()["goal"]["met"] for one in four] == [True, True, False, False]


@pytest.mark.parametrize(("inputs", "says"), sorted(COMPARED_ON.items()))
def test_it_says_what_the_outputs_were_compared_on(inputs, says):
    found = replace(judged(), inputs=inputs)
    assert f"2,000 {says}s)" in " ".join(words.facts(found))
    assert f"on {says}s" in render("convert", "html", found)


def test_changes_of_psnr_are_in_decibels():
    found = judged(quality("psnr", 2000, 1800))
    assert "PSNR: 90.0 dB (−10.0 dB; 95%: " in " ".join(words.facts(found))


def test_without_labels_there_is_no_accuracy():
    assert "top-1" not in " ".join(words.facts(pages.conversion()))
    assert "output error 30.00%" in words.headline(pages.conversion())
    assert "4 random inputs" in " ".join(words.facts(pages.conversion()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (-0.008, "−0.8"), (0.0125, "+1.2"), (-0.0003, "−0.03"), (0.0, "0.0"), (-0.0, "0.0"),
        (1e-9, "0.0"),
    ],
)  # fmt: skip
def test_points_have_enough_digits_to_differ_from_zero(change, says):
    assert words.points(change) == says


def test_tuning_is_one_line_with_what_was_kept():
    tuning = Tuning(15000, 0.0262, 0.0219, 256, kept=True, seconds=41.3)
    found = replace(judged(), tuning=tuning)
    line = "tuning: loss 0.026 → 0.022 on 256 held-out samples; 15,000 samples run, 41 s"
    assert line in list(words.facts(found))
    assert line in render("convert", "table", found)
    late = replace(found, tuning=replace(tuning, passes=0, kept=False))
    assert "tuning: not run (time was up)" in list(words.facts(late))
    worse = replace(found, tuning=replace(tuning, after=0.03, kept=False))
    assert "0.03 on 256 held-out samples, so the fitted factors are kept" in " ".join(
        words.facts(worse)
    )
