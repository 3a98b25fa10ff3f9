"""Boxes of a detector: decoded, suppressed, and matched with another's.

Supported are decoded outputs in the style of YOLO ([N, 4 + C, A] without and [N, A, 5 + C] with an
objectness, centre and size), and pairs of boxes [N, A, 4] and scores [N, A, C].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.25  # boxes with lower scores are not counted
OVERLAP = 0.45  # of boxes of one class: the one with the higher score stays
MATCH = 0.5  # the IoU from which two boxes are the same
MOST = 300  # boxes of one image


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of one image, highest score first."""

    corners: Array  # [n, 4]: left, top, right, bottom
    kinds: NDArray[np.int64]  # [n]


def decode(outputs: Sequence[Any]) -> list[Boxes] | None:
    """Boxes of each sample; None if the outputs have no known layout.

    Parameters
    ----------
    outputs
        All outputs of a detector, samples first.
    """
    arrays = [one for one in outputs if isinstance(one, np.ndarray) and one.ndim == 3]
    pair = _pair(arrays)
    if pair is None:
        pair = _packed(arrays)
    if pair is None:
        return None
    return [_thinned(*one) for one in zip(*pair, strict=True)]


def _pair(arrays: Sequence[NDArray[Any]]) -> tuple[Array, Array] | None:
    """Boxes and scores from two outputs."""
    boxes = [one for one in arrays if one.shape[2] == 4]
    for box in boxes:
        for scores in arrays:
            if scores is not box and scores.shape[:2] == box.shape[:2] and _in_unit(scores):
                wide = box.astype(np.float64)
                ordered = bool(np.mean(wide[..., 2:] >= wide[..., :2]) > 0.99)
                return wide if ordered else _corners(wide), _foreground(scores)
    return None


def _foreground(scores: NDArray[Any]) -> Array:
    """Leave out a background class, the first of softmax scores."""
    wide = scores.astype(np.float64)
    softmax = wide.shape[2] > 1 and bool(np.all(np.abs(wide.sum(2) - 1) < 1e-2))
    return wide[..., 1:] if softmax else wide


def _packed(arrays: Sequence[NDArray[Any]]) -> tuple[Array, Array] | None:
    """Boxes and scores from one output."""
    for one in arrays:
        wide = one.astype(np.float64)
        if one.shape[1] < one.shape[2]:
            wide = np.swapaxes(wide, 1, 2)
            box, scores = wide[..., :4], wide[..., 4:]
        else:
            box, scores = wide[..., :4], wide[..., 4:5] * wide[..., 5:]
        if scores.shape[2] and _in_unit(wide[..., 4:]):
            return _corners(box), scores
    return None


def _in_unit(scores: NDArray[Any]) -> bool:
    return bool(scores.size and scores.min() >= 0 and scores.max() <= 1)


def _corners(box: Array) -> Array:
    centre, half = box[..., :2], box[..., 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def _thinned(corners: Array, scores: Array) -> Boxes:
    """Non-maximum suppression, class by class."""
    best, kinds = scores.max(1), scores.argmax(1)
    order = np.argsort(-best, kind="stable")
    order = order[best[order] >= CONFIDENCE]
    kept: list[int] = []
    for place in order:
        rivals = [other for other in kept if kinds[other] == kinds[place]]
        if len(kept) == MOST:
            break
        if not rivals or overlap(corners[[place]], corners[rivals]).max() <= OVERLAP:
            kept.append(int(place))
    return Boxes(corners[kept], kinds[kept])


def overlap(a: Array, b: Array) -> Array:
    """IoU of each box of ``a`` [n, 4] with each of ``b`` [m, 4]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(np.maximum(one[:, 2:] - one[:, :2], 0), axis=1) for one in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def f1(a: Boxes, b: Boxes) -> float:
    """F1 of two sets of boxes: 2·matches / (n + m); 1 if both are empty.

    Boxes match one to one, by the largest IoU first, from ``MATCH`` up and within a class.
    """
    total = len(a.kinds) + len(b.kinds)
    if not total:
        return 1.0
    shared = overlap(a.corners, b.corners) if len(a.kinds) and len(b.kinds) else np.zeros((0, 0))
    if shared.size:
        shared = np.where(a.kinds[:, None] == b.kinds[None], shared, 0.0)
    matches = 0
    while shared.size and shared.max() >= MATCH:
        row, column = np.unravel_index(int(shared.argmax()), shared.shape)
        shared[row, :] = 0.0
        shared[:, column] = 0.0
        matches += 1
    return 2 * matches / total
