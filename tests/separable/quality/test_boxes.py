"""Boxes: decoding, suppression, matching."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.separable.quality.boxes import Boxes, decode, f1, overlap

CORNERS = np.array([[0.0, 0, 10, 10], [20, 20, 40, 30], [100, 100, 110, 120]])
KINDS = np.array([0, 1, 1])


def centred(corners):
    size = corners[:, 2:] - corners[:, :2]
    return np.concatenate([corners[:, :2] + size / 2, size], 1)


def scores(kinds, sure, classes=2):
    found = np.zeros((len(kinds), classes))
    found[np.arange(len(kinds)), kinds] = sure
    return found


SURE = scores(KINDS, [0.9, 0.8, 0.7])
BOXES = np.concatenate([centred(CORNERS), SURE], 1)


def padded(rows, count=40):
    """As many anchors as a detector has: the rest is empty."""
    return np.concatenate([rows, np.zeros((count - len(rows), rows.shape[1]))])[None]


@pytest.mark.parametrize(
    "outputs",
    [
        [np.swapaxes(padded(BOXES), 1, 2)],
        [padded(np.insert(BOXES, 4, 1.0, axis=1))],
        [padded(CORNERS), padded(SURE)],
        [padded(SURE), padded(CORNERS)],
    ],
    ids=["channels first", "objectness", "pair", "pair, scores first"],
)
def test_the_usual_layouts_are_decoded(outputs):
    found = decode([one.astype(np.float32) for one in outputs])
    assert found is not None
    (boxes,) = found
    assert np.allclose(boxes.corners, CORNERS)
    assert boxes.kinds.tolist() == KINDS.tolist()


def test_background_is_left_out():
    sure = np.concatenate([1 - SURE.sum(1, keepdims=True), SURE], 1)
    rest = np.tile([1.0, 0, 0], (37, 1))
    found = decode([padded(CORNERS), np.concatenate([sure, rest])[None]])
    assert found is not None
    assert found[0].kinds.tolist() == KINDS.tolist()


def test_an_image_is_no_detector():
    assert decode([np.random.default_rng(0).standard_normal((1, 3, 8, 8))]) is None
    assert decode([np.random.default_rng(0).standard_normal((1, 20, 30))]) is None


def test_the_surer_of_two_overlapping_boxes_of_a_class_stays():
    rows = np.array([[5.0, 5, 10, 10, 0.6, 0], [5, 6, 10, 10, 0.9, 0], [5, 6, 10, 10, 0, 0.5]])
    found = decode([np.swapaxes(padded(rows), 1, 2)])
    assert found is not None
    assert found[0].corners.tolist() == [[0, 1, 10, 11], [0, 1, 10, 11]]
    assert found[0].kinds.tolist() == [0, 1]


def test_overlap_by_hand():
    """10x10 moved by 5: 50 shared of 150."""
    assert overlap(np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 10]]))[0, 0] == 50 / 150


def test_f1_counts_matches_of_a_class():
    a = Boxes(CORNERS, KINDS)
    assert f1(a, a) == 1
    assert f1(a, Boxes(CORNERS, np.array([0, 0, 1]))) == pytest.approx(4 / 6)
    assert f1(a, Boxes(CORNERS[:1], KINDS[:1])) == pytest.approx(2 / 4)
    assert f1(a, Boxes(np.zeros((0, 4)), KINDS[:0])) == 0
    assert f1(Boxes(np.zeros((0, 4)), KINDS[:0]), Boxes(np.zeros((0, 4)), KINDS[:0])) == 1


def test_a_box_is_matched_once():
    twice = Boxes(CORNERS[[0, 0]], KINDS[[0, 0]])
    assert f1(Boxes(CORNERS[:1], KINDS[:1]), twice) == pytest.approx(2 / 3)
