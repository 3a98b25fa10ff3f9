"""Intervals: what they cover, and that they are never empty."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.separable.quality.intervals import (
    Estimate,
    least_bound,
    paired_loss,
    proportion,
    samples_to_show,
)

DRAWS = 2000


@pytest.mark.parametrize("n", [10, 30, 100, 300, 1000])
@pytest.mark.parametrize(
    ("lost", "gained"),
    [(0.0, 0.0), (0.01, 0.0), (0.02, 0.0), (0.0, 0.02), (0.03, 0.02), (0.2, 0.0), (0.2, 0.05)],
)
def test_the_interval_covers_the_true_loss(n, lost, gained):
    random = np.random.default_rng(n)
    draws = random.multinomial(n, [lost, gained, 1 - lost - gained], DRAWS)
    covered = 0
    for away, won, _ in draws:
        original, converted = np.zeros(n), np.zeros(n)
        original[:away] = 1
        converted[away : away + won] = 1
        found = paired_loss(original, converted)
        covered += found.low <= lost - gained <= found.high
    assert covered / DRAWS >= 0.93


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_it_covers_scores_between_0_and_1(n):
    random = np.random.default_rng(n)
    covered = 0
    for _ in range(DRAWS):
        original = random.beta(8, 2, n)
        converted = original * random.beta(20, 1, n)
        found = paired_loss(original, converted)
        covered += found.low <= 0.8 / 21 <= found.high
    assert covered / DRAWS >= 0.93


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_it_has_width_and_holds_no_more_than_is_possible(pairs):
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    found = paired_loss(a, b)
    assert found.low < found.high
    assert -1 <= found.low <= found.high <= 1
    assert found.mean == pytest.approx(float(np.mean(a - b)))


def test_the_formula_by_hand():
    """10 pairs, 2 lost and 1 gained: m = 1/12, s² = (4/12 - 1/144)/12."""
    original = np.array([1.0, 1, 0, 1, 1, 1, 1, 0, 0, 0])
    converted = np.array([0.0, 0, 1, 1, 1, 1, 1, 0, 0, 0])
    found = paired_loss(original, converted)
    reach = 1.959963984540054 * ((4 / 12 - 1 / 144) / 12) ** 0.5
    assert found.mean == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((1 / 12 - reach, 1 / 12 + reach))


def test_a_proportion_is_that_of_wilson():
    """81 of 263, a published example (Newcombe 1998): 0.2553 to 0.3662."""
    found = proportion(np.array([1.0] * 81 + [0.0] * 182))
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_how_many_samples_would_show_a_loss():
    """With no pair discordant the upper end is Wilson's, z² / (n + z²)."""
    none = Estimate(0.0, -0.2, 0.2, 10)
    assert samples_to_show(0.01, none, 0.0) == ceil(99 * 1.959963984540054**2)
    assert least_bound(381) <= 0.01 < least_bound(380)
    assert samples_to_show(0.01, Estimate(0.02, 0, 0.04, 100), 0.02) is None
