"""Outputs of a model in one layout: samples first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def rows_of(feeds: Mapping[str, NDArray[Any]]) -> int:
    """Samples of one run: the leading size that all inputs share; else the run is one sample."""
    sizes = {array.shape[0] if array.ndim > 1 else 1 for array in feeds.values()}
    return sizes.pop() if len(sizes) == 1 else 1


def samples_first(answer: NDArray[Any], rows: int) -> NDArray[Any]:
    """Move the axis of the samples to the front: 0, or 1 if only that has the right size.

    An output with neither belongs to the run as a whole and becomes one sample.
    """
    if answer.ndim and answer.shape[0] == rows:
        return answer
    if answer.ndim > 2 and answer.shape[1] == rows:
        return np.moveaxis(answer, 1, 0)
    return answer[np.newaxis]


def moved_back(values: NDArray[Any], answer: NDArray[Any], rows: int) -> NDArray[Any]:
    """Undo ``samples_first``: values laid out like an answer."""
    if values.ndim != answer.ndim:
        return np.asarray(values[0])
    return values if answer.shape[0] == rows else np.moveaxis(values, 0, 1)


def is_float(answer: Any) -> bool:
    """Whether an output is an array of floats that is not empty."""
    return isinstance(answer, np.ndarray) and answer.dtype.kind == "f" and answer.size > 0


def is_number(answer: Any) -> bool:
    """Whether an output is an array of floats, integers or truth values that is not empty."""
    return isinstance(answer, np.ndarray) and answer.dtype.kind in "fiub" and answer.size > 0


def gathered(
    names: Sequence[str], batches: Sequence[Sequence[Any]], rows: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """All samples of each output of numbers, unless its shape changes with the batch.

    Parameters
    ----------
    names
        Of the outputs.
    batches
        The outputs of each run.
    rows
        Samples of each run.
    """
    whole: dict[str, NDArray[Any]] = {}
    for place, name in enumerate(names):
        parts = [outputs[place] for outputs in batches]
        if not parts or not all(map(is_number, parts)):
            continue
        moved = [samples_first(part, n) for part, n in zip(parts, rows, strict=True)]
        right = all(len(part) == n for part, n in zip(moved, rows, strict=True))
        if right and len({part.shape[1:] for part in moved}) == 1:
            whole[name] = np.concatenate(moved)
    return whole
