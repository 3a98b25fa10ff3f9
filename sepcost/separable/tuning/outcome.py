"""What tuning did, judged on held-out samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, slots=True)
class Tuning:
    """The better of the network before and after was kept."""

    passes: int  # that ran; 0 if time was up
    before: float  # mean loss of the held-out samples
    after: float
    samples: int
    kept: bool  # whether the tuned factors are those of the result
    seconds: float


def is_better(before: float, after: float) -> bool:
    """Whether the same samples lose less on average.

    Few samples say little, but most networks that lost something gain by tuning: in doubt the
    mean decides.
    """
    return isfinite(after) and after < before
