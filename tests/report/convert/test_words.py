"""A conversion in words."""

from dataclasses import replace

import pytest

from sepcost.report.convert import words
from sepcost.separable.runs.output_loss import Effect
from tests.report.html import pages
from tests.report.render import render

#: 1,828 and 1,812 of 2,000 images are right: 0.8 points lost.
EFFECT = Effect(0.01, 0.1, 0.008, (0.001, 0.015), 2000, 63, (0.914, 0.906))


def classified(effect=EFFECT):
    return replace(pages.conversion(), effect=effect)


def test_top_1_is_shown_before_and_after_with_its_interval():
    line = "top-1: 91.4% → 90.6% (−0.8 points; 95%: −1.5 to −0.1; 2,000 held-out images)"
    assert line in list(words.facts(classified()))
    assert words.headline(classified()).endswith("; top-1 91.4% → 90.6%")


@pytest.mark.parametrize("kind", ["table", "markdown", "html"])
def test_every_report_has_it(kind):
    assert "−0.8 points; 95%: −1.5 to −0.1; 2,000 held-out images" in render(
        "convert", kind, classified()
    )


def test_without_labels_there_is_no_accuracy():
    assert "top-1" not in " ".join(words.facts(pages.conversion()))
    assert "output error 30.00%" in words.headline(pages.conversion())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (-0.008, "−0.8"), (0.0125, "+1.2"), (-0.0003, "−0.03"), (0.0, "0.0"), (-0.0, "0.0"),
        (1e-9, "0.0"),
    ],
)  # fmt: skip
def test_points_have_enough_digits_to_differ_from_zero(change, says):
    assert words.points(change) == says
