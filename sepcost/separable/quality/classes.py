"""Which outputs hold classes, and along which axis.

Scores of C classes come as [N, C], as [N, C, 1, 1], as maps [N, C, H, W] or [N, H, W, C], as
sequences [N, T, C] or [T, N, C], and of two classes as one sigmoid [N, 1] or [N]. All of them are
converted to [samples, positions, C].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SUMS_TO_ONE = 1e-2
_CHANCE = 1.5  # an output agrees with labels if it is right this many times as often as chance


@dataclass(frozen=True, slots=True)
class Classes:
    """Where an output has its classes."""

    axis: int  # of the classes; -1 if one number represents two classes
    samples: int  # the axis that counts samples
    probabilities: bool
    decided: bool = False  # the output is of integers: the classes themselves, not their scores

    def view(self, answer: NDArray[Any]) -> Array:
        """Scores [samples, positions, C] of an output."""
        wide = answer.astype(np.float64)
        if self.axis < 0:
            yes = wide.reshape(len(wide), -1, 1)
            return np.concatenate([1 - yes, yes], axis=2)
        turned = np.moveaxis(wide, (self.samples, self.axis), (0, -1))
        return turned.reshape(turned.shape[0], -1, turned.shape[-1])

    def back(self, slope: Array, shape: Sequence[int]) -> Array:
        """Turn a gradient of ``view`` [samples, positions, C] into one of the output."""
        if self.axis < 0:
            return np.asarray((slope[..., 1] - slope[..., 0]).reshape(tuple(shape)))
        turned = np.moveaxis(np.empty(tuple(shape)), (self.samples, self.axis), (0, -1))
        moved = np.moveaxis(slope.reshape(turned.shape), (0, -1), (self.samples, self.axis))
        return np.ascontiguousarray(moved)


def layouts(answer: Any, rows: int) -> list[Classes]:
    """The ways in which an output could hold classes, most common first.

    Parameters
    ----------
    answer
        An output of one run.
    rows
        Samples of that run.
    """
    if not isinstance(answer, np.ndarray) or answer.dtype.kind != "f" or not answer.size:
        return []
    found = [
        Classes(axis, samples, _sums_to_one(answer, axis))
        for samples, axis in _axes(answer.shape, rows)
    ]
    if answer.shape in {(rows,), (rows, 1)} and answer.min() >= 0 and answer.max() <= 1:
        found.append(Classes(-1, 0, probabilities=True))
    return found


def _axes(shape: Sequence[int], rows: int) -> list[tuple[int, int]]:
    """Pairs of the axis of samples and that of classes."""
    if len(shape) == 2 and shape[0] == rows:
        return [(0, 1)] if shape[1] > 1 else []
    if len(shape) == 3:
        ways = [(0, 2)] if shape[0] == rows else []
        ways += [(1, 2)] if shape[1] == rows and shape[0] != rows else []
        return [way for way in ways if shape[2] > 1]
    if len(shape) >= 4 and shape[0] == rows:
        return [(0, axis) for axis in (1, len(shape) - 1) if shape[axis] > 1]
    return []


def _sums_to_one(answer: NDArray[Any], axis: int) -> bool:
    sums = answer.sum(axis, dtype=np.float64)
    return bool(answer.min() >= 0 and np.all(np.abs(sums - 1) < _SUMS_TO_ONE))


def divergences(a: NDArray[Any], b: NDArray[Any], classes: Classes) -> Array:
    """KL of the class probabilities of each sample, the mean over its positions.

    KL = Σ p·(log p - log p'), where p is the softmax of scores that are not probabilities yet.

    Parameters
    ----------
    a, b
        The original's answer and another.
    classes
        Where they have their classes.
    """
    p, q = (_log_probabilities(one, classes) for one in (a, b))
    return np.asarray(np.maximum(np.sum(np.exp(p) * (p - q), axis=2).mean(1), 0.0))


def _log_probabilities(answer: NDArray[Any], classes: Classes) -> Array:
    scores = classes.view(answer)
    if classes.probabilities:
        return np.asarray(np.log(np.clip(scores, 1e-30, None)))
    wide = scores - scores.max(2, keepdims=True)
    return np.asarray(wide - np.log(np.exp(wide).sum(2, keepdims=True)))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The output that holds the classes."""

    name: str
    classes: Classes


def choose(
    answers: Mapping[str, NDArray[Any]],
    rows: int,
    labels: NDArray[np.int64] | None = None,
    named: str | None = None,
) -> Chosen | None:
    """Choose the output of the classes; None if it cannot be identified.

    The named one, or else the one that agrees best with the labels, or else one of
    probabilities, or else the only output if it is [N, C], [N, C, 1, 1] or of integers.

    Parameters
    ----------
    answers
        Outputs of the original by name, all samples at once.
    rows
        Number of samples.
    labels
        One class per sample, if known.
    named
        The output that the user named.
    """
    ways = {name: layouts(answer, rows) for name, answer in answers.items()}
    if named is not None:
        kept = sorted(ways.get(named, []), key=lambda one: not one.probabilities)
        return Chosen(named, kept[0]) if kept else None
    all_ways = [Chosen(name, one) for name, found in ways.items() for one in found]
    if labels is not None:
        hits = [(agreement_with(labels, answers[one.name], one.classes), one) for one in all_ways]
        right = [pair for pair in hits if pair[0] > 0]
        if right:
            return max(right, key=lambda pair: pair[0])[1]
    sure = [one for one in all_ways if one.classes.probabilities]
    if sure:
        return sure[0]
    floats = [name for name, answer in answers.items() if answer.dtype.kind == "f"]
    if not floats and len(answers) == 1:
        return Chosen(next(iter(answers)), Classes(-1, 0, probabilities=False, decided=True))
    alone = len(floats) == 1 and len(all_ways) == 1
    return all_ways[0] if alone and _is_flat(answers[all_ways[0].name].shape) else None


def _is_flat(shape: Sequence[int]) -> bool:
    """Whether there is one position: [N, C] or [N, C, 1, 1]."""
    return len(shape) >= 2 and all(size == 1 for size in shape[2:])


def agreement_with(labels: NDArray[np.int64], answer: NDArray[Any], classes: Classes) -> float:
    """How often an output is right, in multiples of chance; 0 if that may be chance."""
    scores = classes.view(answer)
    if scores.shape[1] != 1 or len(scores) != len(labels) or labels.max() >= scores.shape[2]:
        return 0.0
    right = float(np.mean(scores[:, 0].argmax(1) == labels))
    shares = np.bincount(labels, minlength=scores.shape[2]) / len(labels)
    chance = float(max(shares.max(), 1 / scores.shape[2]))
    return right / chance if right > min(_CHANCE * chance, (1 + chance) / 2) else 0.0
