"""How long and how fast to tune, depending on the loss and on what a pass takes.

Measured on image classifiers: below ``LEAST`` tuning gains nothing; the more is lost, the faster it
may go.
"""

from __future__ import annotations

LEAST = 0.008  # loss of held-out samples below which --tune auto leaves a network as it is
MOST_PASSES = 80_000  # of small networks
SECONDS = 200.0  # of CPU time in all passes: about two minutes on two cores
MACS = 10_000_000_000_000  # of the original in all passes: even one batch of more takes long
#: Passes within this time. Few numbers, so that one model nearly always gets the same.
COURSES = (
    1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 16_000, 24_000, 40_000,
    MOST_PASSES,
)  # fmt: skip
SAMPLES = 16  # held out, at least: fewer cannot tell whether tuning helped

_RATE = 2e-3
_FAST = 5e-3
_DAMAGE = 0.05  # loss from which the rate rises


def passes(loss: float, macs: int, samples: int) -> int:
    """Passes of ``--tune auto``, at most.

    Parameters
    ----------
    loss
        Mean loss of the held-out samples.
    macs
        Of the original, for one sample.
    samples
        Held out.
    """
    if not loss >= LEAST or samples < SAMPLES:
        return 0
    allowed = min(MOST_PASSES, MACS // max(1, macs))
    return allowed if allowed >= COURSES[0] else 0


def affordable(most: int, seconds: float) -> int:
    """Passes that take about two minutes, at most ``most``; 0 if they are too few.

    Parameters
    ----------
    most
        Passes.
    seconds
        CPU time of one.
    """
    allowed = min(float(most), SECONDS / max(seconds, 1e-9))
    return max((one for one in COURSES if one <= allowed), default=0)


def rate(loss: float) -> float:
    """The highest learning rate for a loss of the held-out samples."""
    return float(min(max(_RATE, _RATE * (loss / _DAMAGE) ** 0.5), _FAST))
