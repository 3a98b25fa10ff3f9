"""Refuse labels that cannot belong to a model, before anything is fitted to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sepcost.errors import ConversionError

_CHANCE = 1.5  # a model is near chance if it is right at most this many times as often
_LEAST = 0.1  # or on at most this share of the samples, however many classes there are


def check_labels(source: str, labels: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
    """Refuse labels that do not fit the classes of the original.

    Parameters
    ----------
    source
        The calibration data, as messages call them.
    labels
        One class per sample.
    scores
        The original's scores [samples, positions, classes].

    Raises
    ------
    ConversionError
        A label is not a class of the model, or the original is hardly ever right.
    """
    classes = scores.shape[2]
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ConversionError(
            f"{source}: labels range from {low} to {high}, but the model has {classes} classes, "
            f"0 to {classes - 1}"
        )
    right = float(np.mean(scores[:, 0].argmax(1) == labels))
    if right <= max(min(_CHANCE / classes, 0.5), _LEAST):
        raise ConversionError(
            f"{source}: the original is right on only {right:.0%} of {len(labels)} samples; check "
            "the labels and the preprocessing"
        )


def check_folders(source: str, folders: int, classes: int) -> None:
    """Refuse class folders that are not one per class of the model.

    Raises
    ------
    ConversionError
        Their number differs from that of the classes.
    """
    if folders != classes:
        raise ConversionError(
            f"{source}: {folders} class folders, but the model has {classes} classes; give one "
            "folder per class (even if it is empty), or an .npz with 'labels'"
        )
