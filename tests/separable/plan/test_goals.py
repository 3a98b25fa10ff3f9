"""Searching a curve by measurements, without a model."""

from hypothesis import given
from hypothesis import strategies as st

from sepcost.separable.plan.goals import TRIES, settle


@given(st.integers(0, 60), st.integers(-5, 70))
def test_the_first_that_is_good_enough_is_never_missed(threshold, guess):
    found = settle((-1, 61), guess, lambda p: (p >= threshold, -1), upward=False)
    assert found >= threshold


@given(st.integers(0, 60))
def test_a_good_guess_is_found_at_once(threshold):
    """The probe says where to look next, like a prediction."""
    found = settle((-1, 61), 30, lambda p: (p >= threshold, threshold), upward=False)
    assert found <= max(threshold, 30)
    assert found >= threshold


@given(st.integers(0, 60), st.integers(0, 61))
def test_the_last_that_is_fast_enough_is_found_by_halving(threshold, guess):
    seen = []

    def probe(place):
        seen.append(place)
        return place <= threshold, -1  # no help: the middle is taken

    found = settle((-1, 61), guess, probe, upward=True)
    assert found == threshold or len(seen) == TRIES
    assert len(seen) <= TRIES
    assert found <= threshold


def test_a_probe_can_stop_the_search():
    assert settle((-1, 100), 40, lambda _: (True, None), upward=False) == 40
    assert settle((-1, 100), 40, lambda _: (True, None), upward=True) == 40


def test_nothing_good_leaves_the_end_of_the_bracket():
    assert settle((-1, 100), 40, lambda p: (False, p - 10), upward=True) == -1
    assert settle((-1, 100), 40, lambda p: (False, p + 10), upward=False) == 100
