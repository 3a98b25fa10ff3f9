"""What tuning did, judged on held-out samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tuning:
    """The better of the network before and after was kept."""

    passes: int
    before: float  # mean loss of the held-out samples
    after: float
    samples: int
    kept: bool  # whether the tuned factors are those of the result
    seconds: float


def is_better(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether the losses of the same samples fell by more than one standard error of the gain."""
    gain = before - after
    if not np.isfinite(gain).all() or len(gain) < 2:
        return False
    return bool(gain.mean() > gain.std(ddof=1) / sqrt(len(gain)))
