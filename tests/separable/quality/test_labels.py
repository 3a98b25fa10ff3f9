"""Labels that cannot be those of a model."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.errors import ConversionError
from sepcost.separable.quality.labels import check_folders, check_labels

CLASSES = 10
TRUTH = np.arange(100) % CLASSES
SCORES = np.eye(CLASSES)[TRUTH][:, None, :]  # the original is always right


def test_right_labels_pass():
    check_labels("data.npz", TRUTH, SCORES)
    wrong_often = np.where(np.arange(100) % 4 == 0, 0, TRUTH)
    check_labels("data.npz", wrong_often, SCORES)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (TRUTH + 1, "labels range from 1 to 10, but the model has 10 classes, 0 to 9"),
        (np.full(100, 999), "999"),
        (TRUTH - 1, "-1"),
        ((TRUTH + 1) % CLASSES, "right on only 0% of 100 samples; check the labels"),
        (np.zeros(100, int), "right on only 10%"),
    ],
    ids=["1-based", "999", "negative", "off by one", "all alike"],
)
def test_labels_that_cannot_fit_are_refused(labels, words):
    with pytest.raises(ConversionError, match=words.replace("?", ".")):
        check_labels("data.npz", labels, SCORES)


def test_two_classes_at_chance_are_refused():
    scores = np.eye(2)[np.arange(100) % 2][:, None, :]
    with pytest.raises(ConversionError, match="50%"):
        check_labels("d", np.arange(100) // 2 % 2, scores)


def test_class_folders_are_one_per_class():
    check_folders("pictures", 10, 10)
    with pytest.raises(ConversionError, match="2 class folders, but the model has 10 classes"):
        check_folders("pictures", 2, 10)
