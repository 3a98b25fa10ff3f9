"""How far answers are from the original's, without labels, and the gradient of that.

The output of classes counts by the divergence of its probabilities at temperature T = 2,

    T² · Σ p·(log p - log q),   p, q = softmax(scores / T)

and every other float output by its squared error over its spread, channel by channel where it has
channels, so that small values beside large ones count as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.quality.classes import Chosen, Classes, choose

Array = NDArray[np.float64]
Outputs = Mapping[str, NDArray[Any]]

TEMPERATURE = 2.0
_RAREST = 1e-12  # smaller probabilities count as this one


@dataclass(frozen=True, slots=True, eq=False)
class Distance:
    """A distance of outputs from the original's."""

    classes: Chosen | None
    spreads: Mapping[str, Array]  # variance of each other output, as its answers broadcast

    def losses(self, answers: Outputs, outputs: Outputs, temperature: float = 1.0) -> Array:
        """The distance of each sample [samples]; one number for runs that hold one sample."""
        parts = [
            _squared_error(answers[name], outputs[name], spread)
            for name, spread in self.spreads.items()
        ]
        if self.classes is not None:
            name, way = self.classes.name, self.classes.classes
            p, q = (_logs(way.view(side[name]), way, temperature) for side in (answers, outputs))
            parts.append(temperature**2 * (np.exp(p) * (p - q)).sum(2).mean(1))
        if len({len(part) for part in parts}) > 1:  # not all have one row per sample
            parts = [part.mean(keepdims=True) for part in parts]
        return np.asarray(np.sum(parts, axis=0))

    def seeds(self, answers: Outputs, outputs: Outputs) -> dict[str, Array]:
        """Gradient of the sum of ``losses`` at the temperature, by output."""
        made = {
            name: np.where(spread > 0, 2 * _gap(answers[name], outputs[name]), 0.0)
            / (np.where(spread > 0, spread, 1.0) * max(1, outputs[name][0].size))
            for name, spread in self.spreads.items()
        }
        if self.classes is not None:
            name, way = self.classes.name, self.classes.classes
            made[name] = _of_classes(answers[name], outputs[name], way)
        return made


def distance(
    batches: Sequence[Outputs], rows: int, labels: NDArray[np.int64] | None = None
) -> Distance | None:
    """The distance for a network; None if it has no float output that varies.

    Parameters
    ----------
    batches
        Some of the original's answers.
    rows
        Samples in all of them.
    labels
        Of these samples, if known: they tell which output holds the classes.
    """
    answers = {name: _joined([one[name] for one in batches]) for name in batches[0]}
    floats = {name: a for name, a in answers.items() if a.dtype.kind == "f" and a.ndim and a.size}
    classes = choose(floats, rows, labels)
    others = (name for name in floats if classes is None or name != classes.name)
    spreads = {name: _spread(floats[name]) for name in others}
    spreads = {name: spread for name, spread in spreads.items() if spread.any()}
    return Distance(classes, spreads) if classes or spreads else None


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """All rows; the first run alone where shapes differ from run to run."""
    shapes = {array.shape[1:] for array in arrays}
    return np.concatenate(arrays) if len(shapes) == 1 and arrays[0].ndim else arrays[0]


def _spread(answer: NDArray[Any]) -> Array:
    """Variance over samples, and over positions where there are any; by channel then.

    Of the two axes behind that of the samples, the shorter one holds the channels.
    """
    wide = answer.astype(np.float64)
    if wide.ndim < 3:
        return np.asarray(wide.var(keepdims=True))
    channels = 2 if wide.ndim == 3 and wide.shape[2] < wide.shape[1] else 1
    axes = tuple(axis for axis in range(wide.ndim) if axis != channels)
    return np.asarray(wide.var(axis=axes, keepdims=True))


def _gap(answer: NDArray[Any], output: NDArray[Any]) -> Array:
    return np.asarray(output.astype(np.float64) - answer)


def _squared_error(answer: NDArray[Any], output: NDArray[Any], spread: Array) -> Array:
    """Mean of each sample's squared errors over the spread; constants count nothing."""
    gap = _gap(answer, output) ** 2
    shares = np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)
    return np.asarray(shares.reshape(len(shares), -1).mean(1))


def _logs(scores: Array, way: Classes, temperature: float) -> Array:
    """Logarithms of the probabilities at a temperature."""
    logits = np.log(np.maximum(scores, _RAREST)) if way.probabilities else scores
    logits = (logits - logits.max(2, keepdims=True)) / temperature
    return np.asarray(logits - np.log(np.exp(logits).sum(2, keepdims=True)))


def _of_classes(answer: NDArray[Any], output: NDArray[Any], way: Classes) -> Array:
    """Gradient of the divergence at the output of classes."""
    scores = way.view(output)
    p, q = (np.exp(_logs(side, way, TEMPERATURE)) for side in (way.view(answer), scores))
    slope = TEMPERATURE * (q - p) / scores.shape[1]
    if way.probabilities:
        slope = slope / np.maximum(scores, _RAREST)
    return way.back(slope, output.shape)
