"""The protocol that all parts share: interleaved rounds, ratios within one round, their spread.

Each round runs every side once, in an order that turns, so that a slow minute of the machine falls
on all of them. A ratio is that of two runs of one round; of the rounds' ratios the least, the
median and the largest are kept. The first round only warms the caches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

DIGITS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took, or why it came to nothing."""

    values: Mapping[str, float] = field(default_factory=dict)
    failed: str = ""


Side = Callable[[], Sample]


def interleave(
    sides: Mapping[str, Side], rounds: int, warm: bool = True
) -> dict[str, list[Sample]]:
    """Run each side once a round; one that fails is not run again.

    Parameters
    ----------
    sides
        What to run, by name.
    rounds
        How many are kept.
    warm
        Whether one more goes before them.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(-int(warm), rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if any(sample.failed for sample in samples[name]):
                continue
            sample = sides[name]()
            if turn >= 0 or sample.failed:
                samples[name].append(sample)
    return samples


def told(samples: Mapping[str, Sequence[Sample]], base: str) -> dict[str, dict[str, Any]]:
    """Return each side's runs with their spread, and its ratios to ``base`` in the same rounds.

    ``base`` having failed leaves out the ratios.
    """
    return {name: _side(runs, samples[base]) for name, runs in samples.items()}


def _side(runs: Sequence[Sample], base: Sequence[Sample]) -> dict[str, Any]:
    reasons = [run.failed for run in runs if run.failed]
    if reasons or not runs:
        return {"failed": reasons[0] if reasons else "not run"}
    keys = list(runs[0].values)
    found: dict[str, Any] = {
        "runs": [{key: tidy(value) for key, value in run.values.items()} for run in runs],
        **{key: spread([run.values[key] for run in runs]) for key in keys},
    }
    if not any(run.failed for run in base):
        found["ratios"] = {key: spread(ratios(runs, base, key)) for key in keys}
    return found


def ratios(runs: Sequence[Sample], base: Sequence[Sample], key: str) -> list[float]:
    """Return ``runs`` over ``base``, round by round."""
    return [one.values[key] / other.values[key] for one, other in zip(runs, base, strict=True)]


def spread(values: Sequence[float]) -> list[float]:
    """Return the least, the median and the largest."""
    return [tidy(value) for value in (min(values), median(values), max(values))]


def tidy(value: float) -> float:
    """Round to five digits that count: a file of results is for people too."""
    return float(f"{value:.{DIGITS}g}")
