"""How long and how fast to tune, depending on the loss.

Measured on image classifiers: below ``LEAST`` tuning gains nothing; the more is lost, the faster it
may go.
"""

from __future__ import annotations

LEAST = 0.008  # loss of held-out samples below which --tune auto leaves a network as it is
MOST_PASSES = 40_000  # of small networks
MACS = 1_000_000_000_000  # of the original in all passes: about two minutes on two cores
FEWEST = 1_000  # fewer passes are not worth the setup
SAMPLES = 16  # held out, at least: fewer cannot tell whether tuning helped

_RATE = 2e-3
_FAST = 5e-3
_DAMAGE = 0.05  # loss from which the rate rises


def passes(loss: float, macs: int, samples: int) -> int:
    """Passes of ``--tune auto``.

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
    return allowed if allowed >= FEWEST else 0


def rate(loss: float) -> float:
    """The highest learning rate for a loss of the held-out samples."""
    return float(min(max(_RATE, _RATE * (loss / _DAMAGE) ** 0.5), _FAST))
