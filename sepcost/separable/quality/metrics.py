"""The metrics that a converted model is judged by: one score in [0, 1] per sample.

A metric compares the answers of a model with the original's, or with labels. The original's own
score is the metric of its answers with themselves; the loss is the mean difference of the two.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.errors import ConversionError
from sepcost.separable.quality import boxes as detector
from sepcost.separable.quality.classes import Chosen

Array = NDArray[np.float64]
Outputs = Mapping[str, NDArray[Any]]

PEAK_DB = 100.0  # PSNR of equal answers; lower ones are shares of it


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a metric reads beside the answers."""

    samples: int
    classes: Chosen | None = None
    labels: NDArray[np.int64] | None = None


#: Scores [samples] of a model's answers, beside the original's.
Metric = Callable[[Outputs, Outputs, Judged], Array]


def top1(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """1 where the class of the largest score is the label."""
    if judged.labels is None:
        raise ConversionError("--metric top1 needs calibration data with labels")
    top = _top(answers, judged)
    if top.shape[1] != 1:
        raise ConversionError("--metric top1: labels are one per sample, classes one per position")
    return np.asarray(top[:, 0] == judged.labels, np.float64)


def agreement(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """Share of positions where the class of the largest score is the original's."""
    return np.asarray(np.mean(_top(original, judged) == _top(answers, judged), axis=1))


def error(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """1 - min(1, root of the mean squared error over spread), the worst output."""
    worst = np.zeros(judged.samples)
    for x, y in _floats(original, answers, judged):
        gap = np.sqrt(np.mean((x - y) ** 2, axis=1))
        spread = float(np.std(x)) or 1.0
        worst = np.maximum(worst, gap / spread)
    return np.asarray(1 - np.minimum(1.0, worst))


def psnr(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """10·log10(peak² / mean squared error), of the range of the original, as a share of 100 dB."""
    least = np.full(judged.samples, PEAK_DB)
    for x, y in _floats(original, answers, judged):
        gap = np.mean((x - y) ** 2, axis=1)
        peak = float(x.max() - x.min()) or 1.0
        with np.errstate(divide="ignore"):
            level = 10 * np.log10(peak**2 / gap)
        least = np.minimum(least, np.where(gap > 0, level, PEAK_DB))
    return np.asarray(np.clip(least / PEAK_DB, 0.0, 1.0))


def boxes(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """F1 of the boxes of each image against the original's, at an IoU of 0.5 and by class."""
    sides = [detector.decode(list(one.values())) for one in (original, answers)]
    if sides[0] is None:
        raise ConversionError(
            "--metric boxes: no output is [N, 4 + C, A], [N, A, 5 + C] or a pair [N, A, 4] and "
            "[N, A, C] with scores from 0 to 1; give a function of your own, --metric MODULE:NAME"
        )
    if sides[1] is None:  # scores left 0..1: nothing there can be read as boxes
        return np.zeros(judged.samples)
    return np.array([detector.f1(a, b) for a, b in zip(*sides, strict=True)])


def text(original: Outputs, answers: Outputs, judged: Judged) -> Array:
    """1 where a CTC output's best path, repeats merged and blanks dropped, is the original's."""
    first, second = _top(original, judged), _top(answers, judged)
    if first.shape[1] < 2:
        raise ConversionError("--metric text: no output is a sequence of classes")
    values, counts = np.unique(first, return_counts=True)
    blank = int(values[counts.argmax()])
    equal = [_path(a, blank) == _path(b, blank) for a, b in zip(first, second, strict=True)]
    return np.array(equal, np.float64)


def _path(row: Sequence[int], blank: int) -> list[int]:
    steps = [int(one) for one in row]
    merged = [one for k, one in enumerate(steps) if k == 0 or one != steps[k - 1]]
    return [one for one in merged if one != blank]


#: By the words of --metric.
METRICS: Mapping[str, Metric] = {
    "top1": top1,
    "agreement": agreement,
    "error": error,
    "psnr": psnr,
    "boxes": boxes,
    "text": text,
}


def metric(name: str) -> Metric:
    """Find a metric by its word, or a function of the user's own by ``MODULE:NAME``.

    Such a function takes the outputs of the original and of the converted model, by name, and the
    labels (or None); it returns one score in [0, 1] per sample, more being better.

    Raises
    ------
    ConversionError
        There is none of that name, or it cannot be imported.
    """
    if name in METRICS:
        return METRICS[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise ConversionError(
            f"--metric {name}: choose from {', '.join(METRICS)}, or MODULE:NAME of your own"
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


def _top(answers: Outputs, judged: Judged) -> NDArray[np.int64]:
    """The class of the largest score [samples, positions]."""
    if judged.classes is None:
        raise ConversionError("no output of the model holds classes; name one with --output")
    chosen = judged.classes
    scores = chosen.classes.view(answers[chosen.name])
    return np.asarray(np.where(np.isnan(scores), -np.inf, scores).argmax(2))


def _floats(a: Outputs, b: Outputs, judged: Judged) -> list[tuple[Array, Array]]:
    """Pairs [samples, elements] of outputs of floats."""
    return [
        (_rows(x, judged.samples), _rows(b[name], judged.samples))
        for name, x in a.items()
        if x.dtype.kind == "f" and x.size and x.shape == b[name].shape
    ]


def _rows(answer: NDArray[Any], samples: int) -> Array:
    axis = next((k for k, size in enumerate(answer.shape) if size == samples), None)
    turned = answer if axis is None else np.moveaxis(answer, axis, 0)
    return np.asarray(turned, np.float64).reshape(samples if axis is not None else 1, -1)
