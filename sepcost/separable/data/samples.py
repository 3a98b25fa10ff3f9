"""Calibration data as the fits and the judges read them: batch by batch, when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.network import Shape

Feeds = Mapping[str, NDArray[Any]]
Samples = Callable[[NDArray[np.int64]], NDArray[Any]]

HELD = 8  # one sample in so many takes no part in the fit
BATCH = 32  # where the model leaves it open


@dataclass(frozen=True, slots=True)
class Input:
    """One input as the model declares it: None where a size is left open."""

    name: str
    dtype: str
    sizes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Samples that are read when they are needed."""

    samples: Mapping[str, Samples]  # by input: what some places hold, batch first
    places: NDArray[np.int64]
    batch: int  # samples of one run
    stacked: bool  # whether a run takes ``batch`` rows, or one whole sample
    fixed: bool = False  # whether the model takes ``batch`` rows and no other number
    labels: NDArray[np.int64] | None = None
    item: Mapping[str, Shape] | None = None  # the shape of each input in a run of one

    def __len__(self) -> int:
        return len(self.places)

    def batches(self, limit: int | None = None, rows: int = BATCH) -> Iterator[Feeds]:
        """Yield what each run is fed; an incomplete last batch only where the model takes it.

        Parameters
        ----------
        limit
            Of all samples; the last run is a whole one where the model takes no other.
        rows
            Of one run at most, where the model leaves that open.
        """
        places = self._first(limit)
        step = self.batch if self.fixed else min(rows, self.batch)
        for start in range(0, len(places), step):
            chosen = places[start : start + step]
            feeds = {name: read(chosen) for name, read in self.samples.items()}
            yield feeds if self.stacked else {name: a[0] for name, a in feeds.items()}

    def known(self, limit: int | None = None) -> NDArray[np.int64] | None:
        """The labels of the samples, in the order of ``batches``."""
        return None if self.labels is None else self.labels[self._first(limit)]

    def _first(self, limit: int | None) -> NDArray[np.int64]:
        if limit is not None and self.fixed:
            limit = -(-limit // self.batch) * self.batch
        return self.places[:limit]

    def split(self, every: int = HELD) -> tuple[Calibration, Calibration]:
        """Samples to fit to, and one in ``every`` to judge by; whole batches where they must be."""
        held = np.arange(len(self.places)) % every == every - 1
        fit, judge = (whole(self.places[side], self) for side in (~held, held))
        if not len(fit) or not len(judge):
            return self, self
        return replace(self, places=fit), replace(self, places=judge)

    @property
    def sample_bytes(self) -> int:
        """What one sample takes as the model reads it."""
        first = self.places[:1]
        return sum(read(first).nbytes for read in self.samples.values())


def whole(places: NDArray[np.int64], of: Calibration) -> NDArray[np.int64]:
    """Only whole batches, where the model takes no others."""
    return places[: len(places) // of.batch * of.batch] if of.fixed else places
