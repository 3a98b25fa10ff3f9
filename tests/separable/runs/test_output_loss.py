"""The effect of a change on the outputs, worked by hand."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.separable.runs.output_loss import effect, reference


def compare(original, changed, labels=None):
    """The effect of outputs ``changed`` in place of ``original``."""
    answers = iter([original, changed])

    def run(_):
        return [next(answers)]

    return effect(run, reference(run, [{}], labels))


def scores(*rows):
    return np.array(rows, np.float32)


def test_the_same_answers_lose_nothing():
    found = compare(scores([1, 2], [3, 1]), scores([1, 2], [3, 1]))
    assert (found.kl, found.relative_error, found.drop) == (0, 0, None)


def test_divergence_of_two_coins():
    """Softmax of [log 3, 0] is (3/4, 1/4); of [0, 0] it is (1/2, 1/2)."""
    found = compare(scores([log(3), 0]), scores([0, 0]))
    assert found.kl == pytest.approx(0.75 * log(1.5) + 0.25 * log(0.5), rel=1e-6)


def test_probabilities_are_taken_for_what_they_are():
    found = compare(scores([0.75, 0.25]), scores([0.5, 0.5]))
    assert found.kl == pytest.approx(0.75 * log(1.5) + 0.25 * log(0.5), rel=1e-6)


@given(st.integers(-50, 50))
def test_adding_the_same_to_all_scores_changes_no_probability(shift):
    base = scores([1, 2, -1], [0, 3, 2])
    assert compare(base, base + np.float32(shift)).kl == pytest.approx(0, abs=1e-6)


def test_images_have_no_classes():
    found = compare(np.full((1, 1, 2, 2), 2.0), np.full((1, 1, 2, 2), 1.0))
    assert found.kl is None
    assert found.relative_error == 0.5
    assert found.loss == 0.25


def test_a_drop_is_reported_with_its_interval():
    """One of four right answers is lost: mean 1/4, deviation 1/2 over four images."""
    right, wrong = [2.0, 1.0], [1.0, 2.0]
    found = compare(
        scores(right, right, right, right), scores(right, right, right, wrong), np.zeros(4, int)
    )
    assert (found.top1, found.drop) == ((1.0, 0.75), 0.25)
    assert found.drop_interval == pytest.approx((0.25 - 1.96 / 4, 0.25 + 1.96 / 4))


def test_an_image_gained_makes_up_for_one_lost():
    a, b = [2.0, 1.0], [1.0, 2.0]
    assert compare(scores(a, b), scores(b, a), np.zeros(2, int)).drop == 0


def test_the_worst_output_counts():
    answers = iter([[np.ones(4), np.ones(4)], [np.ones(4), np.zeros(4)]])

    def run(_):
        return next(answers)

    assert effect(run, reference(run, [{}])).relative_error == 1


def test_something_for_nothing_is_all_wrong():
    assert compare(np.zeros(3), np.ones(3)).relative_error == 1
    assert compare(np.zeros(3), np.zeros(3)).relative_error == 0


def test_errors_of_several_batches_are_one():
    answers = iter([[np.array([3.0])], [np.array([4.0])], [np.array([3.0])], [np.array([1.0])]])

    def run(_):
        return next(answers)

    assert effect(run, reference(run, [{}, {}])).relative_error == pytest.approx(sqrt(9 / 25))
