"""Groups of samples from one origin, such as crops of one picture or frames of one film.

Samples of a group resemble each other: a held-out one shows nothing if others of its group were
fitted to. A group is held out as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.errors import ConversionError

GROUPS = "groups"

Numbers = NDArray[np.int64]


def named(path: Path, groups: NDArray[Any], count: int) -> Numbers:
    """The group of each sample, from the array of an archive.

    Raises
    ------
    ConversionError
        It does not name a group for each sample, or only one.
    """
    if groups.dtype.kind not in "iuUS" or groups.shape != (count,):
        raise ConversionError(
            f"{path}: {GROUPS!r} is {groups.dtype} of shape {list(groups.shape)}; expected one "
            f"integer or name for each of {count} samples"
        )
    _, numbers = np.unique(groups, return_inverse=True)
    if count > 1 and not numbers.any():
        raise ConversionError(
            f"{path}: {GROUPS!r} names only one group, so none can be held out; "
            "give samples from at least two groups"
        )
    return np.asarray(numbers, np.int64)


def of_folders(path: Path, files: Sequence[Path]) -> Numbers | None:
    """The group of each file: its folder, if that is in a folder of ``path``; else it is alone.

    None if all are alone.
    """
    deep = [len(file.relative_to(path).parts) > 2 for file in files]
    if not any(deep) or len({file.parent for file in files}) < 2:
        return None
    keys = [str(f.parent if inner else f) for f, inner in zip(files, deep, strict=True)]
    _, numbers = np.unique(keys, return_inverse=True)
    return np.asarray(numbers, np.int64)


def held(groups: Numbers, every: int) -> NDArray[np.bool_]:
    """Which samples to hold out: about one in ``every``, in whole groups.

    Groups are taken in the order of the samples, each as soon as the share allows it; if none fits,
    the smallest is taken.

    Parameters
    ----------
    groups
        The group of each sample.
    every
        The share's denominator.
    """
    names, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    kept: list[int] = []
    seen = taken = 0
    for place in np.argsort(first):
        seen += sizes[place]
        if every * (taken + sizes[place]) <= seen:
            taken += sizes[place]
            kept.append(names[place])
    if not kept and len(names) > 1:
        kept = [names[sizes.argmin()]]
    return np.isin(groups, kept)
