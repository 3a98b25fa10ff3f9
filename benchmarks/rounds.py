"""The protocol that all parts share: interleaved rounds, ratios within one round, their spread.

Each round runs every side once, in a rotating order, so that a slow minute of the machine affects
all sides. Ratios are taken within a round; minimum, median and maximum over the rounds are kept.
The first round only warms the caches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

DIGITS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """The measurements of one run, or the reason for its failure."""

    values: Mapping[str, float] = field(default_factory=dict)
    failed: str = ""


Side = Callable[[], Sample]


def interleave(
    sides: Mapping[str, Side], rounds: int, warm: bool = True
) -> dict[str, list[Sample]]:
    """Run each side once per round; a side that fails is not run again.

    Parameters
    ----------
    sides
        What to run, by name.
    rounds
        Number of rounds to keep.
    warm
        Whether to run one more round before them.
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


def compared(samples: Mapping[str, Sequence[Sample]], base: str) -> dict[str, dict[str, Any]]:
    """Return each side's runs with their spread, and its ratios to ``base`` in the same rounds.

    There are no ratios if ``base`` failed.
    """
    return {name: _side(runs, samples[base]) for name, runs in samples.items()}


def _side(runs: Sequence[Sample], base: Sequence[Sample]) -> dict[str, Any]:
    reasons = [run.failed for run in runs if run.failed]
    if reasons or not runs:
        return {"failed": reasons[0] if reasons else "not run"}
    keys = list(runs[0].values)
    summary: dict[str, Any] = {
        "runs": [{key: tidy(value) for key, value in run.values.items()} for run in runs],
        **{key: spread([run.values[key] for run in runs]) for key in keys},
    }
    if not any(run.failed for run in base):
        summary["ratios"] = {key: spread(ratios(runs, base, key)) for key in keys}
    return summary


def ratios(runs: Sequence[Sample], base: Sequence[Sample], key: str) -> list[float]:
    """Divide ``runs`` by ``base``, round by round."""
    return [one.values[key] / other.values[key] for one, other in zip(runs, base, strict=True)]


def spread(values: Sequence[float]) -> list[float]:
    """Return minimum, median and maximum."""
    return [tidy(value) for value in (min(values), median(values), max(values))]


def tidy(value: float) -> float:
    """Round to five significant digits, so that people can read the results too."""
    return float(f"{value:.{DIGITS}g}")
