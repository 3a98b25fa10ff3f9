"""Gradients of how far a network's answers are from the original's, without labels.

The distance is the loss that chooses plans (``runs.output_loss``), but for one thing: the output of
the classes counts by the divergence of its probabilities, softened by a temperature
T = 2 (Hinton et al. 2015),

    T² · mean over positions of  Σ p·(log p - log q),   p, q = softmax(scores / T)

and every other part by e², its squared error over its spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.quality.answers import moved_back, samples_first
from sepcost.separable.quality.classes import Classes
from sepcost.separable.quality.parts import OutputPart

Array = NDArray[np.float64]
Outputs = Mapping[str, NDArray[Any]]

TEMPERATURE = 2.0
_RAREST = 1e-12  # smaller probabilities count as this one


def seeds(
    parts: Sequence[OutputPart], answers: Outputs, outputs: Outputs, rows: int
) -> dict[str, NDArray[np.float32]]:
    """Gradient of the loss at each output, summed over the samples.

    Parameters
    ----------
    parts
        What counts of the outputs.
    answers, outputs
        Of the original and of the other network, by name.
    rows
        Samples of the run.
    """
    made = {}
    for name, output in outputs.items():
        a, b = (samples_first(np.asarray(one, np.float64), rows) for one in (answers[name], output))
        slope = np.zeros(b.shape)
        for part in parts:
            if part.name == name:
                given = part.of(a, rows), part.of(b, rows)
                part.of(slope, rows)[...] = _slope(part, *given, _others(parts))
        made[name] = moved_back(slope, output, rows).astype(np.float32)
    return made


def _others(parts: Sequence[OutputPart]) -> int:
    return sum(part.classes is None for part in parts) or 1


def _slope(part: OutputPart, a: Array, b: Array, others: int) -> Array:
    """The gradient at a part [samples, ...]."""
    if part.classes is not None:
        return _of_classes(part.classes, a, b)
    return np.asarray(2 * (b - a) / ((part.variance or np.inf) * max(1, b[0].size) * others))


def _of_classes(classes: Classes, a: Array, b: Array) -> Array:
    scores = classes.view(b)
    p, q = (_softened(side, classes) for side in (classes.view(a), scores))
    slope = TEMPERATURE * (q - p) / scores.shape[1]
    if classes.probabilities:
        slope = slope / np.maximum(scores, _RAREST)
    return classes.back(slope, b.shape)


def _softened(scores: Array, classes: Classes) -> Array:
    """The probabilities at the temperature."""
    logits = np.log(np.maximum(scores, _RAREST)) if classes.probabilities else scores
    powers = np.exp((logits - logits.max(2, keepdims=True)) / TEMPERATURE)
    return np.asarray(powers / powers.sum(2, keepdims=True))
