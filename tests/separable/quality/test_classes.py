"""Which output holds the classes: told by labels, by probabilities, by name, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.separable.quality.classes import choose, layouts

N, C = 40, 5
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, C, N)


def softmax(scores, axis=-1):
    wide = np.exp(scores - scores.max(axis, keepdims=True))
    return (wide / wide.sum(axis, keepdims=True)).astype(np.float32)


def right(share=0.9):
    """Logits whose largest is the label for a share of the samples."""
    scores = RANDOM.standard_normal((N, C))
    told = np.where(RANDOM.random(N) < share, LABELS, RANDOM.integers(0, C, N))
    scores[np.arange(N), told] += 10
    return scores.astype(np.float32)


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        (softmax(RANDOM.standard_normal((N, C))), (N, 1, C)),
        (softmax(RANDOM.standard_normal((N, C)))[:, :, None, None], (N, 1, C)),
        (softmax(RANDOM.standard_normal((N, C, 3, 4)), 1), (N, 12, C)),
        (softmax(RANDOM.standard_normal((N, 3, 4, C))), (N, 12, C)),
        (softmax(RANDOM.standard_normal((N, 7, C))), (N, 7, C)),
        (softmax(RANDOM.standard_normal((7, N, C))), (N, 7, C)),
        (RANDOM.random((N, 1)).astype(np.float32), (N, 1, 2)),
        (RANDOM.random(N).astype(np.float32), (N, 1, 2)),
    ],
    ids=["flat", "1x1", "map", "map last", "sequence", "sequence first", "sigmoid", "bare sigmoid"],
)
def test_classes_come_in_many_shapes(answer, shape):
    chosen = choose({"y": answer}, N)
    assert chosen is not None
    assert chosen.classes.view(answer).shape == shape


def test_the_view_keeps_each_sample_together():
    answer = softmax(RANDOM.standard_normal((7, N, C)))
    (one,) = layouts(answer, N)
    assert np.array_equal(one.view(answer)[3, 2], answer[2, 3].astype(np.float64))


def test_box_offsets_and_embeddings_are_passed_over_for_what_the_labels_agree_with():
    answers = {
        "offsets": RANDOM.standard_normal((N, 4)).astype(np.float32),
        "embedding": RANDOM.standard_normal((N, 512)).astype(np.float32),
        "scores": right(),
    }
    chosen = choose(answers, N, LABELS)
    assert chosen is not None
    assert chosen.name == "scores"


def test_without_labels_probabilities_are_told_from_numbers():
    answers = {
        "offsets": RANDOM.standard_normal((N, 4)).astype(np.float32),
        "p": softmax(RANDOM.standard_normal((N, 2))),
    }
    chosen = choose(answers, N)
    assert chosen is not None
    assert chosen.name == "p"


def test_nothing_is_chosen_where_nothing_tells():
    answers = {name: RANDOM.standard_normal((N, 4)).astype(np.float32) for name in ("a", "b")}
    assert choose(answers, N) is None
    named = choose(answers, N, named="b")
    assert named is not None
    assert named.name == "b"


def test_an_only_output_of_scores_is_taken():
    chosen = choose({"y": RANDOM.standard_normal((N, C)).astype(np.float32)}, N)
    assert chosen is not None


def test_an_image_is_no_class_map():
    answer = RANDOM.random((N, 3, 8, 8)).astype(np.float32)
    assert choose({"y": answer}, N) is None


def test_labels_at_chance_choose_nothing():
    answers = {name: RANDOM.standard_normal((N, C)).astype(np.float32) for name in ("a", "b")}
    assert choose(answers, N, LABELS) is None
