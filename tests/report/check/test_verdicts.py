"""Verdicts in words: different numbers never look the same."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.budget.results import Bound, Cause, Status
from sepcost.budget.units import Dimension
from sepcost.report.check import verdicts
from tests.budget.build import check, verdict
from tests.report.verdict_samples import every


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (568_740_352, Dimension.COUNT, "568.7 M"),
        (600_000_000, Dimension.COUNT, "600 M"),
        (999, Dimension.COUNT, "999"),
        (0, Dimension.COUNT, "0"),
        (10_000_000, Dimension.BYTES, "10 MB"),
        (12, Dimension.BYTES, "12 B"),
        (12_000_000, Dimension.TIME, "12 ms"),
        (1500, Dimension.TIME, "1.5 µs"),
        (Fraction(1, 5), Dimension.SHARE, "20%"),
        (Fraction(21, 20), Dimension.FACTOR, "1.05×"),
        (Fraction(1, 1000), Dimension.NUMBER, "0.001"),
        (Fraction(1, 10**6), Dimension.NUMBER, "1e-06"),
    ],
)
def test_numbers_for_people(value, dimension, text):
    assert verdicts.number(Fraction(value), dimension) == text


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.sampled_from(list(Dimension)))
def test_what_differs_looks_different(a, b, dimension):
    shown = verdicts.pair(Fraction(a), Fraction(b), dimension)
    assert (shown[0] == shown[1]) == (a == b)


def test_one_mac_too_many_is_seen():
    one = verdict(actual=Fraction(600_000_001), limit=Fraction(600_000_000))
    assert verdicts.sentence(one) == "macs 600.000001 M, budget ≤ 600 M (+1.67e-07%)"


def test_a_minimum_is_shown_from_below():
    share = verdict(actual=Fraction(7, 8), limit=Fraction(1), bound=Bound.MIN,
                    dimension=Dimension.SHARE)  # fmt: skip
    assert verdicts.sentence(share) == "macs 87.5%, budget ≥ 100% (−12.5 points)"


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (0, "no forbidden operators, none allowed"),
        (1, "1 forbidden operator, none allowed"),
        (2, "2 forbidden operators, none allowed"),
    ],
)
def test_forbidden_operators_are_counted_in_words(count, says):
    one = verdict(metric="forbid-ops", actual=Fraction(count), limit=Fraction(0))
    assert verdicts.sentence(one) == says


@pytest.mark.parametrize(("breaks", "end"), [(True, ""), (False, "; allowed by --allow-unknown")])
def test_a_lower_bound_says_at_least_and_why_it_passes(breaks, end):
    one = verdict(Status.UNKNOWN, actual=Fraction(0), breaks=breaks,
                  detail="2 layers could not be counted")  # fmt: skip
    assert verdicts.sentence(one) == (
        f"macs at least 0, budget ≤ 600: 2 layers could not be counted{end}"
    )
    share = replace(one, dimension=Dimension.SHARE)  # may be smaller in the whole
    assert not verdicts.actual(share).startswith("at least")


def test_an_interval_and_a_baseline_are_shown():
    slow = verdict(actual=Fraction("1.1"), limit=Fraction("1.05"), dimension=Dimension.FACTOR,
                   baseline=Fraction(1), interval=(1.08, float("inf")))  # fmt: skip
    assert verdicts.remark(slow) == "95% interval 1.08× to ?"
    assert verdicts.remark(verdict(baseline=Fraction(500))) == "baseline 500"


def test_causes_say_what_changed():
    one = verdict(causes=(Cause("c1", "Conv", Fraction(1500), "added"), Cause("l", "Loop")))
    assert list(verdicts.causes(one)) == ["c1 (Conv) +1.5 k, added", "l (Loop)"]


def test_broken_budgets_come_first():
    found = verdicts.ordered(check(*reversed(every()), verdict(Status.UNKNOWN, breaks=True)))
    assert [(v.status.value, v.breaks) for v in found] == [
        ("error", True), ("fail", True), ("unknown", True), ("unknown", False), ("warn", False),
        ("ok", False),
    ]  # fmt: skip
    assert (
        verdicts.headline(check(*every()))
        == "1 model: 1 error, 1 budget exceeded, 1 unknown, 1 warning, 1 met"
    )


def test_a_budget_of_the_command_line_points_at_its_model():
    assert verdicts.place(replace(verdict(), location=None)).file == "m.onnx"
