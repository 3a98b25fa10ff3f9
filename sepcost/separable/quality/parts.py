"""What is judged of a model's outputs: groups of rows, each by its own spread.

The error of a part is relative to the spread of the original's answers,

    e² = Σ (y - y')² / Σ (y - mean)²

with sums over all samples and elements of the part, and the mean of each row over samples and
positions. So values that are the same for every sample do not make an error look small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.quality.answers import is_float, is_number, samples_first
from sepcost.separable.quality.classes import Chosen, Classes
from sepcost.separable.quality.row_groups import RowGroups

Array = NDArray[np.float64]

_FLAT = 1e-3  # the smallest spread, as a share of the values' size


@dataclass(frozen=True, slots=True)
class OutputPart:
    """Rows of one output that are judged together."""

    name: str  # of the output
    place: int  # of the output among all
    axis: int  # of the rows, samples first
    rows: tuple[int, int] | None  # first and end; None for all
    variance: float  # mean square of the distance to the row's mean
    classes: Classes | None = None  # where the part has the classes

    def of(self, answer: NDArray[Any], samples: int) -> NDArray[Any]:
        """The part of one output, samples first."""
        moved = samples_first(answer, samples)
        if self.rows is None or self.axis >= moved.ndim:
            return moved
        first, end = self.rows
        return moved[(slice(None),) * self.axis + (slice(first, end),)]

    def squared_errors(self, a: NDArray[Any], b: NDArray[Any]) -> Array:
        """e² of each sample, from this part of two answers; of integers, the share that changed."""
        if a.dtype.kind != "f":
            return np.asarray((a != b).reshape(len(a), -1).mean(1))
        same = (a == b) | (np.isnan(a) & np.isnan(b))  # infinities are
        with np.errstate(invalid="ignore"):  # an infinity less itself
            gap = np.where(same, 0.0, a.astype(np.float64) - b.astype(np.float64)) ** 2
        each = gap.reshape(len(gap), -1).mean(1)
        if self.variance:
            return np.asarray(each / self.variance)
        return np.asarray(each > 0, np.float64)


def parts(
    names: Sequence[str],
    batches: Sequence[Sequence[Any]],
    rows: Sequence[int],
    groups: Mapping[str, RowGroups],
    chosen: Chosen | None = None,
) -> tuple[OutputPart, ...]:
    """The parts of all outputs of floats; if there are none, of those of integers.

    Parameters
    ----------
    names
        Of the outputs.
    batches
        The original's outputs, run by run.
    rows
        Samples of each run.
    groups
        Groups of rows, by output.
    chosen
        The output of the classes.
    """
    made: list[OutputPart] = []
    integers: list[OutputPart] = []
    for place, name in enumerate(names):
        answers = [outputs[place] for outputs in batches]
        if not answers or not all(map(is_float, answers)):
            if answers and all(map(is_number, answers)):
                integers.append(OutputPart(name, place, 1, None, 1.0))
            continue
        moved = [samples_first(one, n) for one, n in zip(answers, rows, strict=True)]
        classes = chosen.classes if chosen and chosen.name == name else None
        grouped = None if classes else groups.get(name)
        axis = grouped.axis if grouped else _row_axis(moved[0].shape)
        for span in _spans(grouped):
            part = OutputPart(name, place, axis, span, 0.0, classes)
            cut = [part.of(one, n) for one, n in zip(answers, rows, strict=True)]
            made.append(OutputPart(name, place, axis, span, _variance(cut, axis), classes))
    return tuple(made or integers)


def _spans(grouped: RowGroups | None) -> list[tuple[int, int] | None]:
    if grouped is None:
        return [None]
    ends = list(accumulate(grouped.sizes))
    return list(zip([0, *ends], ends, strict=False))


def _row_axis(shape: Sequence[int]) -> int:
    """The axis of the rows, samples first: 1, but the shorter one of [N, A, B]."""
    return 2 if len(shape) == 3 and shape[2] < shape[1] else 1


def _variance(answers: Sequence[NDArray[Any]], axis: int) -> float:
    """Mean over all elements of the squared distance to the mean of the row."""
    count = np.zeros(())
    total, squares = np.zeros(()), np.zeros(())
    for answer in answers:
        wide = answer.astype(np.float64)
        others = tuple(k for k in range(wide.ndim) if k != axis)
        kept = np.isfinite(wide)
        wide = np.where(kept, wide, 0.0)
        count = count + kept.sum(others)
        total = total + wide.sum(others)
        squares = squares + (wide**2).sum(others)
    every = float(count.sum())
    if not every:
        return 0.0
    size = float(squares.sum()) / every
    spread = float((squares - total**2 / np.maximum(count, 1)).sum()) / every
    return max(spread, _FLAT**2 * size)
