"""The loss of a converted network's outputs against the original's, additive over layers.

For classifiers it is the mean divergence of the class probabilities,

    KL = mean over samples of  Σ p·(log p - log p')

where p is the softmax of an output [samples, classes] of the original; for all other networks it
is the squared relative error ‖y - y'‖² / ‖y‖². Both are quadratic in small changes, so the losses
of single layers sum to that of the network as long as their errors are uncorrelated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
    """Change of the outputs over all batches."""

    kl: float | None  # None if no output is [samples, classes]
    relative_error: float  # the largest over the outputs
    drop: float | None = None  # loss of top-1 as a share; None without labels
    drop_interval: tuple[float, float] | None = None  # 95 % interval
    images: int = 0
    batches: int = 0  # 0: nothing was run
    top1: tuple[float, float] | None = None  # before and after; None without labels

    @property
    def loss(self) -> float:
        """The divergence if there is one, else the squared relative error."""
        return self.relative_error**2 if self.kl is None else self.kl


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Batches, the original's outputs for them, and their labels if known."""

    batches: Sequence[Feeds]
    answers: Sequence[Outputs]
    labels: NDArray[np.int64] | None = None


def reference(
    run: Run, batches: Iterable[Feeds], labels: NDArray[np.int64] | None = None
) -> Reference:
    """Run the original once, for any number of comparisons."""
    kept = list(batches)
    return Reference(kept, [run(batch) for batch in kept], labels)


def effect(run: Run, original: Reference) -> Effect:
    """Compare another network's outputs with the original's.

    Parameters
    ----------
    run
        Runs the network; outputs in the original's order.
    original
        The original's outputs.
    """
    tally = Tally()
    for feeds, answers in zip(original.batches, original.answers, strict=True):
        tally.add(answers, run(feeds))
    return tally.result(original.labels)


@dataclass(slots=True)
class Tally:
    """Sums that give the effect, batch by batch."""

    gaps: dict[int, float] = field(default_factory=dict)
    sizes: dict[int, float] = field(default_factory=dict)
    hits: list[tuple[Array, Array]] = field(default_factory=list)
    divergence: float = 0.0
    images: int = 0
    batches: int = 0

    def add(self, answers: Outputs, outputs: Outputs) -> None:
        """Add a batch: the original's outputs and the other network's, in the same order."""
        self.batches += 1
        for place, (a, b) in enumerate(zip(answers, outputs, strict=True)):
            if not _comparable(a, b):
                continue
            x, y = a.astype(np.float64), b.astype(np.float64)
            self.gaps[place] = self.gaps.get(place, 0.0) + float(np.sum((x - y) ** 2))
            self.sizes[place] = self.sizes.get(place, 0.0) + float(np.sum(x**2))
        classes = next((k for k, a in enumerate(answers) if is_classes(a)), None)
        if classes is not None:
            self.divergence += _divergence(answers[classes], outputs[classes])
            self.images += len(answers[classes])
            self.hits.append((_top(answers[classes]), _top(outputs[classes])))

    def result(self, labels: NDArray[np.int64] | None = None) -> Effect:
        """The effect over all batches."""
        errors = [_relative(gap, self.sizes[place]) for place, gap in self.gaps.items()]
        kl = self.divergence / self.images if self.images else None
        return Effect(
            kl, max(errors, default=0.0), *_drop(self.hits, labels), self.images, self.batches,
            _top1(self.hits, labels),
        )  # fmt: skip


def is_classes(answer: Any) -> bool:
    """Whether an output is [samples, classes]."""
    return (
        isinstance(answer, np.ndarray)
        and answer.dtype.kind == "f"
        and answer.ndim == 2
        and answer.shape[1] > 1
    )


def is_probabilities(scores: Array) -> bool:
    """Whether the scores [samples, classes] are non-negative and sum to 1."""
    return bool(scores.min() >= 0 and np.all(np.abs(scores.sum(1) - 1) < _SUMS_TO_ONE))


def _comparable(a: Any, b: Any) -> bool:
    arrays = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return arrays and a.dtype.kind == "f" and a.shape == b.shape and a.size > 0


def _relative(gap: float, size: float) -> float:
    return sqrt(gap / size) if size else float(gap > 0)


def _log_probabilities(scores: NDArray[Any]) -> Array:
    """Log-softmax over the classes, or the logarithm of scores that are already probabilities."""
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
    """Mean loss of top-1 with its normal interval, paired by sample with the original."""
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
