"""Calibration data as it is read: batch by batch, on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.network import Shape
from sepcost.separable.data.groups import held

Feeds = Mapping[str, NDArray[Any]]
Samples = Callable[[NDArray[np.int64]], NDArray[Any]]

HELD = 4  # one sample in this many is held out from the fits
BATCH = 32  # if the model does not fix it


@dataclass(frozen=True, slots=True)
class Input:
    """One input as the model declares it; a size is None if the model does not fix it."""

    name: str
    dtype: str
    sizes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Samples that are read on demand."""

    samples: Mapping[str, Samples]  # per input: reads the samples at some places, batch first
    places: NDArray[np.int64]
    batch: int  # samples per run
    stacked: bool  # a run takes ``batch`` rows; otherwise one sample is a whole input
    fixed: bool = False  # the model takes exactly ``batch`` rows
    labels: NDArray[np.int64] | None = None
    item: Mapping[str, Shape] | None = None  # shape of each input in a run of one sample
    folders: int | None = None  # class folders that the labels come from
    groups: NDArray[np.int64] | None = None  # held out as a whole; None: each sample is alone

    def __len__(self) -> int:
        return len(self.places)

    def batches(self, limit: int | None = None, rows: int = BATCH) -> Iterator[Feeds]:
        """Yield the feeds of each run; an incomplete last batch only if the model takes it.

        Parameters
        ----------
        limit
            Maximum number of samples; rounded up to whole batches if the model takes only those.
        rows
            Maximum number of samples per run, if the model does not fix it.
        """
        places = self._first(limit)
        step = self.batch if self.fixed else min(rows, self.batch)
        for start in range(0, len(places), step):
            chosen = places[start : start + step]
            feeds = {name: read(chosen) for name, read in self.samples.items()}
            yield feeds if self.stacked else {n: np.asarray(a[0]) for n, a in feeds.items()}

    @property
    def runs(self) -> int:
        """How many feeds ``batches`` yields."""
        return -(-len(self.places) // min(BATCH, self.batch))

    def within(self, rows: int) -> Calibration:
        """The same samples, at most so many per run, if the model does not fix that."""
        most = max(1, min(rows, self.batch))
        return self if self.fixed or not self.stacked else replace(self, batch=most)

    def known(self, limit: int | None = None) -> NDArray[np.int64] | None:
        """Labels of the samples in the order of ``batches``; None if unknown."""
        return None if self.labels is None else self.labels[self._first(limit)]

    def _first(self, limit: int | None) -> NDArray[np.int64]:
        if limit is not None and self.fixed:
            limit = -(-limit // self.batch) * self.batch
        return self.places[:limit]

    def split(self, every: int = HELD) -> tuple[Calibration, Calibration]:
        """Split into samples to fit to and one in ``every`` held out, in whole batches if fixed."""
        if self.groups is None:
            apart = np.arange(len(self.places)) % every == every - 1
        else:
            apart = held(self.groups[self.places], every)
        fitted, kept = (whole(self.places[part], self) for part in (~apart, apart))
        if not len(fitted) or not len(kept):
            return self, self
        return replace(self, places=fitted), replace(self, places=kept)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample in the types of the model's inputs."""
        first = self.places[:1]
        return sum(read(first).nbytes for read in self.samples.values())


def whole(places: NDArray[np.int64], of: Calibration) -> NDArray[np.int64]:
    """Drop an incomplete last batch if the model takes only whole ones."""
    return places[: len(places) // of.batch * of.batch] if of.fixed else places
