"""The metrics that a converted model is judged by: one score in [0, 1] per sample.

A metric compares the answers of a model with the original's, or with labels. The original's own
score is the metric of its answers with themselves; the loss is the mean difference of the two.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.errors import ConversionError
from sepcost.separable.quality import boxes as detector
from sepcost.separable.quality.classes import Chosen
from sepcost.separable.quality.parts import OutputPart

Array = NDArray[np.float64]
Outputs = Mapping[str, NDArray[Any]]

PEAK_DB = 100.0  # PSNR of equal answers; lower ones are shares of it


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a metric reads beside the answers, which have samples first."""

    samples: int
    parts: tuple[OutputPart, ...]
    classes: Chosen | None = None
    labels: NDArray[np.int64] | None = None


#: Scores [samples] of a model's answers, beside the original's.
Metric = Callable[[Outputs, Outputs, Judged], Array]


def top1(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """1 if the class of the largest score is the label."""
    found = top(answers, judged)
    if found.shape[1] != 1:
        raise ConversionError("--metric top1: labels are one per sample, classes one per position")
    if judged.labels is None:
        raise ConversionError("--metric top1: needs calibration data with a label per sample")
    return np.asarray(found[:, 0] == judged.labels, np.float64)


def agreement(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """Share of positions where the class of the largest score is the original's."""
    return np.asarray(np.mean(top(original, judged) == top(answers, judged), axis=1))


def error(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """1 - min(1, e), with e the error relative to the spread, of the worst part of the outputs."""
    worst = np.zeros(judged.samples)
    for part, a, b in _pairs(original, answers, judged):
        worst = np.maximum(worst, np.sqrt(part.squared_errors(a, b)))
    return np.asarray(1 - np.minimum(1.0, np.nan_to_num(worst, nan=1.0)))


def psnr(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """10·log10(range² / mean squared error) as a share of 100 dB, with the original's range."""
    least = np.full(judged.samples, PEAK_DB)
    for _, a, b in _pairs(original, answers, judged):
        x, y = (one.astype(np.float64).reshape(judged.samples, -1) for one in (a, b))
        gap = np.mean((x - y) ** 2, axis=1)
        peak = float(x.max() - x.min()) or 1.0
        with np.errstate(divide="ignore"):
            level = 10 * np.log10(peak**2 / gap)
        least = np.minimum(least, np.where(gap > 0, level, PEAK_DB))
    return np.asarray(np.clip(np.nan_to_num(least / PEAK_DB), 0.0, 1.0))


def boxes(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """F1 of the boxes of each image against the original's, at an IoU of 0.5 and by class."""
    sides = [detector.decode(list(one.values())) for one in (original, answers)]
    if sides[0] is None:
        raise ConversionError(
            "--metric boxes: no output looks like boxes: expected [N, 4 + C, A] or [N, A, 5 + C], "
            "or two outputs [N, A, 4] and [N, A, C], for N images, A boxes and C classes, with "
            "scores from 0 to 1; give your own function: --metric MODULE:FUNCTION"
        )
    if sides[1] is None:  # scores are not within 0..1: these are not boxes
        return np.zeros(judged.samples)
    return np.array([detector.f1(a, b) for a, b in zip(*sides, strict=True)])


def text(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """1 if a CTC output's best path, repeats merged and blanks dropped, is the original's."""
    first, second = top(original, judged), top(answers, judged)
    if first.shape[1] < 2:
        raise ConversionError("--metric text: no output is a sequence of classes")
    blank, _ = most_frequent(first)
    equal = [_path(a, blank) == _path(b, blank) for a, b in zip(first, second, strict=True)]
    return np.array(equal, np.float64)


def most_frequent(classes: NDArray[np.int64]) -> tuple[int, float]:
    """The class at most positions, and its share of them."""
    values, counts = np.unique(classes, return_counts=True)
    return int(values[counts.argmax()]), float(counts.max() / counts.sum())


def _path(row: Sequence[int], blank: int) -> list[int]:
    steps = [int(one) for one in row]
    merged = [one for k, one in enumerate(steps) if k == 0 or one != steps[k - 1]]
    return [one for one in merged if one != blank]


#: By the values of --metric.
METRICS: Mapping[str, Metric] = {
    "top1": top1,
    "agreement": agreement,
    "error": error,
    "psnr": psnr,
    "boxes": boxes,
    "text": text,
}


def metric(name: str) -> Metric:
    """Find a metric by its name, or a function of the user's own by ``MODULE:FUNCTION``.

    Such a function takes the outputs of the original and of the converted model, by name, and the
    labels (or None); it returns one score in [0, 1] per sample, where more is better.

    Raises
    ------
    ConversionError
        If there is none, or it cannot be imported.
    """
    if name in METRICS:
        return METRICS[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise ConversionError(
            f"--metric {name}: unknown metric; choose from {', '.join(METRICS)}, or your own "
            "MODULE:FUNCTION"
        )
    try:
        own = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as problem:
        raise ConversionError(f"--metric {name}: {problem}") from problem

    def scored(original: Outputs, answers: Outputs, judged: Judged) -> Array:
        scores = np.asarray(own(original, answers, judged.labels), np.float64)
        if scores.shape != (judged.samples,):
            raise ConversionError(
                f"--metric {name}: returned shape {list(scores.shape)}; expected one score for "
                f"each of {judged.samples} samples"
            )
        if not (np.all(scores >= 0) and np.all(scores <= 1)):
            raise ConversionError(f"--metric {name}: scores must be from 0 to 1")
        return scores

    return scored


def top(answers: Outputs, judged: Judged) -> NDArray[np.int64]:
    """The class of the largest score [samples, positions]."""
    if judged.classes is None:
        raise ConversionError("no output of the model has classes; name one with --class-output")
    chosen = judged.classes
    if chosen.classes.decided:
        return np.asarray(answers[chosen.name].reshape(judged.samples, -1), np.int64)
    scores = chosen.classes.view(answers[chosen.name])
    return np.asarray(np.where(np.isnan(scores), -np.inf, scores).argmax(2))


def _pairs(
    original: Outputs, answers: Outputs, judged: Judged
) -> Iterator[tuple[OutputPart, NDArray[Any], NDArray[Any]]]:
    """Each part of the original's outputs, beside the same part of the answers."""
    for part in judged.parts:
        a, b = original.get(part.name), answers.get(part.name)
        if a is not None and b is not None and a.shape == b.shape:
            yield part, part.of(a, judged.samples), part.of(b, judged.samples)
