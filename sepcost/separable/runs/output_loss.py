"""How far a converted network's answers lie from the original's, in one number that adds up.

Of classifiers it is the mean divergence of the class probabilities,

    KL = mean over images of  Σ p·(log p - log p')

with p the softmax of an output [images, classes] of the original; of all else the squared
relative error ‖y - y'‖² / ‖y‖². For small changes both are quadratic in the change, so those of
single layers, if they do not conspire, sum to that of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.model.tensors import Array
from sepcost.separable.data.samples import Feeds

Outputs = Sequence[Any]
Run = Callable[[Feeds], Outputs]

_SUMS_TO_ONE = 1e-3


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change did to the outputs, over all batches."""

    kl: float | None  # None where no output is one of classes
    relative_error: float  # the largest over the outputs
    drop: float | None = None  # of top-1, a share; None without labels
    drop_interval: tuple[float, float] | None = None  # of 95 %
    images: int = 0
    batches: int = 0  # 0: nothing was run, and nothing is known
    top1: tuple[float, float] | None = None  # of the original and of the other; None without labels

    @property
    def loss(self) -> float:
        """The divergence where there is one, else the squared relative error."""
        return self.relative_error**2 if self.kl is None else self.kl


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Batches with what the original answered, and the labels if known."""

    batches: Sequence[Feeds]
    answers: Sequence[Outputs]
    labels: NDArray[np.int64] | None = None


def reference(
    run: Run, batches: Iterable[Feeds], labels: NDArray[np.int64] | None = None
) -> Reference:
    """Ask the original once, to compare with many times."""
    kept = list(batches)
    return Reference(kept, [run(batch) for batch in kept], labels)


def effect(run: Run, beside: Reference) -> Effect:
    """Compare another network's answers with the original's.

    Parameters
    ----------
    run
        Gives the outputs in the same order.
    beside
        What the original answered.
    """
    gaps: dict[int, float] = {}
    sizes: dict[int, float] = {}
    divergence, images = 0.0, 0
    hits: list[tuple[Array, Array]] = []
    for feeds, answers in zip(beside.batches, beside.answers, strict=True):
        found = run(feeds)
        for place, (a, b) in enumerate(zip(answers, found, strict=True)):
            if not _comparable(a, b):
                continue
            x, y = a.astype(np.float64), b.astype(np.float64)
            gaps[place] = gaps.get(place, 0.0) + float(np.sum((x - y) ** 2))
            sizes[place] = sizes.get(place, 0.0) + float(np.sum(x**2))
        classes = next((k for k, a in enumerate(answers) if is_classes(a)), None)
        if classes is not None:
            divergence += _divergence(answers[classes], found[classes])
            images += len(answers[classes])
            hits.append((_top(answers[classes]), _top(found[classes])))
    errors = [_relative(gap, sizes[place]) for place, gap in gaps.items()]
    kl = divergence / images if images else None
    return Effect(
        kl, max(errors, default=0.0), *_drop(hits, beside.labels), images, len(beside.batches),
        _top1(hits, beside.labels),
    )  # fmt: skip


def is_classes(answer: Any) -> bool:
    """Whether an output holds a score for each class of each image."""
    return (
        isinstance(answer, np.ndarray)
        and answer.dtype.kind == "f"
        and answer.ndim == 2
        and answer.shape[1] > 1
    )


def is_probabilities(scores: Array) -> bool:
    """Whether the scores of each image [images, classes] are none below 0 and sum to 1."""
    return bool(scores.min() >= 0 and np.all(np.abs(scores.sum(1) - 1) < _SUMS_TO_ONE))


def _comparable(a: Any, b: Any) -> bool:
    arrays = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return arrays and a.dtype.kind == "f" and a.shape == b.shape and a.size > 0


def _relative(gap: float, size: float) -> float:
    return sqrt(gap / size) if size else float(gap > 0)


def _log_probabilities(scores: NDArray[Any]) -> Array:
    """Log-softmax over the classes; of scores that are probabilities already, their logarithm."""
    wide = scores.astype(np.float64)
    if is_probabilities(wide):
        return np.asarray(np.log(np.maximum(wide, 1e-30)))
    wide = wide - wide.max(1, keepdims=True)
    return np.asarray(wide - np.log(np.exp(wide).sum(1, keepdims=True)))


def _divergence(a: NDArray[Any], b: NDArray[Any]) -> float:
    p, q = _log_probabilities(a), _log_probabilities(b)
    return max(0.0, float(np.sum(np.exp(p) * (p - q))))


def _top(scores: NDArray[Any]) -> Array:
    return np.asarray(scores.argmax(1))


def _drop(
    hits: Sequence[tuple[Array, Array]], labels: NDArray[np.int64] | None
) -> tuple[float | None, tuple[float, float] | None]:
    """Mean loss of top-1 with its normal interval, image by image against the original's."""
    if labels is None or not hits:
        return None, None
    before, after = _correct(hits, labels)
    lost = before.astype(np.float64) - after
    mean = float(lost.mean())
    spread = 1.96 * float(lost.std(ddof=1)) / sqrt(len(lost)) if len(lost) > 1 else 1.0
    return mean, (mean - spread, mean + spread)


def _top1(
    hits: Sequence[tuple[Array, Array]], labels: NDArray[np.int64] | None
) -> tuple[float, float] | None:
    if labels is None or not hits:
        return None
    before, after = _correct(hits, labels)
    return float(before.mean()), float(after.mean())


def _correct(
    hits: Sequence[tuple[Array, Array]], labels: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the original, and the other, give each image its label."""
    a, b = (np.concatenate(side) for side in zip(*hits, strict=True))
    truth = labels[: len(a)]
    return a == truth, b == truth
