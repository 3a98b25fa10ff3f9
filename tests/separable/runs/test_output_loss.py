"""The effect of a change on the outputs, worked by hand."""

from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.separable.quality.row_groups import RowGroups
from sepcost.separable.runs.output_loss import Wish, effect, reference, scored

NAMES = ["y", "z"]


def compare(original, changed, wish=None, rows=None):
    """The effect of outputs ``changed`` in place of ``original``, one run each."""
    answers = iter([original, changed])

    def run(_):
        return next(answers)

    wish = wish or Wish()
    feeds = {"x": np.zeros((rows or len(original[0]), 1))}
    first = reference(NAMES[: len(original)], run, [feeds], wish)
    return effect(run, scored(first, wish))


def scores(*rows):
    return [np.array(rows, np.float32)]


def test_the_same_answers_lose_nothing():
    found = compare(scores([1, 2], [3, 1]), scores([1, 2], [3, 1]))
    assert (found.kl, found.relative_error, found.loss) == (0, 0, 0)


def test_divergence_of_two_coins():
    """Softmax of [log 3, 0] is (3/4, 1/4); of [0, 0] it is (1/2, 1/2)."""
    found = compare(scores([log(3), 0]), scores([0, 0]))
    assert found.kl == found.loss == pytest.approx(0.75 * log(1.5) + 0.25 * log(0.5), rel=1e-6)


def test_probabilities_are_taken_for_what_they_are():
    found = compare(scores([0.75, 0.25]), scores([0.5, 0.5]))
    assert found.kl == pytest.approx(0.75 * log(1.5) + 0.25 * log(0.5), rel=1e-6)


def test_a_sigmoid_is_a_coin():
    found = compare([np.array([[0.25]])], [np.array([[0.5]])])
    assert found.kl == pytest.approx(0.75 * log(1.5) + 0.25 * log(0.5), rel=1e-6)


def test_positions_of_a_map_count_alike():
    """Two positions of one sample, of which one changes."""
    a, b = np.array([0.75, 0.25]), np.array([0.5, 0.5])
    before, after = (np.stack(pair, 1)[None, :, :, None] for pair in ([a, a], [a, b]))
    found = compare([before], [after])
    assert found.kl == pytest.approx((0.75 * log(1.5) + 0.25 * log(0.5)) / 2, rel=1e-6)


@given(st.integers(-50, 50))
def test_adding_the_same_to_all_scores_changes_no_probability(shift):
    base = np.array([[1, 2, -1], [0, 3, 2]], np.float32)
    assert compare([base], [base + np.float32(shift)]).kl == pytest.approx(0, abs=1e-6)


def test_errors_are_relative_to_the_spread_and_not_to_the_size():
    """Values 100 and 102: a spread of 1, so that an error of 0.5 is half of it."""
    image = np.array([100.0, 102, 100, 102]).reshape(1, 1, 2, 2)
    found = compare([image], [image + 0.5])
    assert found.kl is None
    assert found.relative_error == pytest.approx(0.5)
    assert found.loss == pytest.approx(0.25)


def test_an_output_that_never_changes_is_measured_by_its_size():
    """A spread of 0 counts as a thousandth of the size."""
    found = compare([np.full((2, 1, 2, 2), 100.0)], [np.full((2, 1, 2, 2), 100.1)])
    assert found.relative_error == pytest.approx(1)


def test_the_worst_output_counts_and_the_loss_is_the_mean():
    a, b = np.array([[[-1.0, 1.0]]]), np.array([[[-10.0, 10.0]]])
    found = compare([a, b], [a, b + 10])
    assert found.relative_error == pytest.approx(1)
    assert found.loss == pytest.approx(0.5)


def test_small_rows_beside_large_ones_do_not_drown():
    """Boxes of hundreds beside scores of hundredths: all scores are lost."""
    random = np.random.default_rng(0)
    boxes, points = random.normal(0, 100, (8, 4, 50)), random.normal(0, 0.01, (8, 3, 50))
    packed, lost = np.concatenate([boxes, points], 1), np.concatenate([boxes, 0 * points], 1)
    groups = {"y": RowGroups(1, (4, 3))}
    found = compare([packed], [lost], Wish(groups=groups))
    assert found.relative_error == pytest.approx(1, rel=0.02)
    apart = compare([boxes, points], [boxes, 0 * points])
    assert found.relative_error == pytest.approx(apart.relative_error)
    assert found.loss == pytest.approx(apart.loss)


def test_something_for_nothing_is_all_wrong():
    assert compare([np.zeros((3, 1))], [np.ones((3, 1))]).relative_error == 1
    assert compare([np.zeros((3, 1))], [np.zeros((3, 1))]).relative_error == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_answer_that_is_not_finite_is_lost(bad):
    base = np.array([[1.0, 2, 0], [0, 1, 3]])
    broken = base.copy()
    broken[1, 2] = bad
    found = compare([base], [broken])
    assert found.loss == inf
    assert found.relative_error == inf


def test_an_answer_of_another_shape_is_lost():
    image = np.random.default_rng(0).random((2, 3, 8, 8))
    assert compare([image], [image[:, :, 1:]]).loss == inf


def test_errors_of_several_batches_are_one():
    """Values 3, 5 | 4, 8: mean 5, variance 3.5; errors 0, 0 | 2, 0: mean square 1."""
    answers = iter([[np.array([[3.0], [5]])], [np.array([[4.0], [8]])], [np.array([[3.0], [5]])],
                    [np.array([[6.0], [8]])]])  # fmt: skip

    def run(_):
        return next(answers)

    feeds = [{"x": np.zeros((2, 1))}] * 2
    found = effect(run, reference(["y"], run, feeds, Wish()))
    assert found.samples == 4
    assert found.relative_error == pytest.approx(sqrt(1 / 3.5))


def test_labels_give_top_1_beside_the_agreement():
    """One of four right answers is lost."""
    right, wrong = [2.0, 1.0], [1.0, 2.0]
    before, after = scores(right, right, right, right), scores(right, right, right, wrong)
    found = compare(before, after, Wish(labels=np.zeros(4, int)))
    top1, agreement = found.qualities
    assert (top1.metric, agreement.metric) == ("top1", "agreement")
    assert (top1.original.mean, top1.converted.mean, top1.loss.mean) == (1, 0.75, 0.25)
    assert top1.loss.low < 0 < 0.25 < top1.loss.high


def test_a_class_that_is_always_the_answer_shows_nothing_of_its_scores():
    """Agreement is 100 %, so that the scores are judged by their error as well."""
    before = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    after = np.array([[0.7, 0.3], [0.8, 0.2], [0.9, 0.1]])
    found = compare([before], [after])
    assert found.quality.converted.mean == 1
    assert found.others is not None
    assert found.others.mean > 1
    balanced = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert compare([balanced], [balanced]).others is None


def test_classes_that_are_decided_already_are_compared_one_by_one():
    """Text of four characters, one of which changes in one of two samples."""
    before, after = np.array([[0, 3, 0, 5], [0, 0, 7, 0]]), np.array([[0, 3, 0, 4], [0, 0, 7, 0]])
    found = compare([before], [after])
    assert found.quality is not None
    assert (found.quality.metric, found.quality.converted.mean) == ("text", 0.5)
    assert found.loss == pytest.approx(1 / 8)
    maps = np.arange(24).reshape(2, 3, 4)
    found = compare([maps], [np.where(maps == 5, 0, maps)])
    assert found.quality is not None
    assert found.quality.metric == "agreement"
    assert found.quality.converted.mean == pytest.approx(23 / 24)


def test_outputs_that_are_no_numbers_are_unknown_and_not_equal():
    found = compare([[{"a": 1.0}]], [[{"a": 1.0}]])
    assert found.relative_error == inf


def test_integers_beside_floats_are_left_to_these():
    scores_, labels = np.array([[0.5, 0.2], [0.1, 0.9]]), np.array([0, 1])
    found = compare([scores_, labels], [scores_, 1 - labels])
    assert found.loss == 0


def test_what_is_not_finite_in_the_original_may_stay_so():
    image = np.array([[[np.nan, 1.0, np.inf, 3.0]]])
    assert compare([image], [image.copy()]).relative_error == 0
    assert compare([image], [np.nan_to_num(image)]).relative_error == inf
