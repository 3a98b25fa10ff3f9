"""From launches to intervals, ratios and verdicts: the statistics applied to models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import isfinite

from sepcost.latency import advice, stats
from sepcost.latency.results import Comparison
from sepcost.latency.stats import Interval, Outcome, Samples, Statistic

Launch = tuple[Samples, ...]  # one entry a model


def estimate(launches: Sequence[Launch]) -> tuple[Interval, tuple[Statistic, ...]]:
    """Return the interval over launches: of the one side, or of the ratio second / first."""
    values, used = [], Counter[Statistic]()
    for sides in launches:
        statistic, numbers = stats.summarise(sides)
        values.append(numbers[-1] / numbers[0] if len(numbers) > 1 else numbers[0])
        used[statistic] += 1
    return stats.log_interval(values), tuple(s for s, _ in used.most_common())


def latencies(launches: Sequence[Launch]) -> Iterator[Interval]:
    """Yield the latency of each model."""
    for index in range(len(launches[0])):
        yield estimate([(launch[index],) for launch in launches])[0]


def ratios(launches: Sequence[Launch], baseline: int) -> dict[int, Interval]:
    """Return the ratio of each model to the baseline, by its index."""
    others = [i for i in range(len(launches[0])) if i != baseline]
    return {i: estimate(_pairs(launches, baseline, i))[0] for i in others}


def _pairs(launches: Sequence[Launch], a: int, b: int) -> list[Launch]:
    return [(launch[a], launch[b]) for launch in launches]


def precision(launches: Sequence[Launch], baseline: int) -> float:
    """Return the half-width that decides when to stop: the widest of the ratios, or the latency."""
    found = list(ratios(launches, baseline).values()) or list(latencies(launches))
    return max(interval.half_width for interval in found)


def compare(
    names: Sequence[str], launches: Sequence[Launch], baseline: int, target: float
) -> Iterator[Comparison]:
    """Judge every model against the baseline.

    The margin of "the same" is ``stats.MARGIN`` times the precision target, so that equal models
    stay within it.
    """
    for index, name in enumerate(names):
        if index == baseline:
            continue
        pairs = _pairs(launches, baseline, index)
        ratio, statistics = estimate(pairs)
        values = [b / a for a, b in (stats.summarise(pair)[1] for pair in pairs)]
        smallest = stats.smallest_change(values)
        verdict = stats.judge(ratio, stats.MARGIN * target)
        unsure = verdict is Outcome.INCONCLUSIVE and isfinite(smallest)
        yield Comparison(
            a=names[baseline],
            b=name,
            ratio=ratio,
            verdict=verdict,
            smallest_change=smallest,
            statistics=statistics,
            advice=advice.of_verdict(target, ratio.half_width, smallest) if unsure else None,
        )
