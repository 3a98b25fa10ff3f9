"""How well a converted model reproduces the original on held-out samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.cost.words import plural
from sepcost.separable.quality import boxes
from sepcost.separable.quality.classes import Chosen
from sepcost.separable.quality.intervals import Estimate, paired_loss, proportion
from sepcost.separable.quality.metrics import Judged, metric, most_frequent, top

_ALWAYS = 0.9  # a class with a larger share of the answers is nearly always the answer
_BLANKS = 0.25  # smallest share of positions that the blank of a CTC output takes
#: Metrics that compare with the original and need no labels; each is 1 for the same answers.
LABEL_FREE = ("agreement", "text", "boxes")
#: Metrics in words.
NAMES = {
    "top1": "top-1",
    "agreement": "agreement with the original",
    "text": "identical text",
    "boxes": "box F1 against the original",
    "psnr": "PSNR",
    "error": "1 − output error",
}

#: What outputs are compared on, in words; samples are fitted if there are too few to hold some out.
COMPARED_ON = {
    "calibration": "held-out sample",
    "fitted": "fitted sample",
    "given": "given input",
    "random": "random input",
}
DATA = frozenset({"calibration", "fitted"})  # of these, calibration data


@dataclass(frozen=True, slots=True)
class Quality:
    """The scores of the original and of another model by one metric, from 0 to 1."""

    metric: str
    original: Estimate
    converted: Estimate
    loss: Estimate  # original - converted, paired by sample
    squares: float  # mean of the squared differences


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """The metrics that apply, and the original's answers."""

    metrics: tuple[str, ...]  # the goal's metric first
    judged: Judged
    original: Mapping[str, NDArray[Any]]
    before: Mapping[str, NDArray[np.float64]]  # the original's own scores, by metric

    def qualities(self, answers: Mapping[str, NDArray[Any]]) -> tuple[Quality, ...]:
        """Score a model's answers by each metric."""
        return tuple(self._quality(name, answers) for name in self.metrics)

    def _quality(self, name: str, answers: Mapping[str, NDArray[Any]]) -> Quality:
        before = self.before[name]
        after = metric(name)(self.original, answers, self.judged)
        gap = before - after
        loss = paired_loss(before, after)
        if of_original(name):
            loss = replace(loss, low=max(0.0, loss.low))
        return Quality(name, proportion(before), proportion(after), loss, float(np.mean(gap**2)))


def of_original(metric: str) -> bool:
    """Whether the original has the full score by definition, so that nothing can be gained."""
    return metric in NAMES and metric != "top1"


def counted(samples: int, inputs: str) -> str:
    """``64 held-out samples``."""
    return plural(samples, COMPARED_ON[inputs])


def points(metric: str) -> str:
    """The unit of differences of 1% of a metric."""
    return "dB" if metric == "psnr" else "points"


def is_telling(chosen: Chosen, original: Mapping[str, NDArray[Any]]) -> bool:
    """Whether agreement is informative: no class is the answer nearly everywhere."""
    samples = len(original[chosen.name])
    return most_frequent(top(original, Judged(samples, (), chosen)))[1] <= _ALWAYS


def judge(asked: str | None, judged: Judged, original: Mapping[str, NDArray[Any]]) -> Judge:
    """Choose the metrics: the one asked for, and the one that needs no labels.

    By default it is top-1 if there are labels and classes, text for a CTC output, agreement
    for other classes, boxes for a detector, else the error.

    Parameters
    ----------
    asked
        The value of --metric.
    judged
        What is known of the outputs.
    original
        The original's answers, samples first.

    Raises
    ------
    ConversionError
        The metric is unknown, or does not apply to this model.
    """
    free = _label_free(judged, original)
    labelled = judged.classes is not None and judged.labels is not None
    first = asked or ("top1" if labelled else free)
    metrics = (first,) if free == "error" else tuple(dict.fromkeys((first, free)))
    before = {name: metric(name)(original, original, judged) for name in metrics}
    return Judge(metrics, judged, original, before)


def _label_free(judged: Judged, original: Mapping[str, NDArray[Any]]) -> str:
    if judged.classes is not None:
        found = top(original, judged)
        answer, decided = original[judged.classes.name], judged.classes.classes.decided
        last = int(found.max()) if decided else answer.shape[-1] - 1
        blank, share = most_frequent(found)
        sequence = answer.ndim == (2 if decided else 3) and found.shape[1] > 1
        return "text" if sequence and blank in {0, last} and share >= _BLANKS else "agreement"
    decoded = boxes.decode(list(original.values()))
    return "boxes" if decoded and any(len(one.kinds) for one in decoded) else "error"
