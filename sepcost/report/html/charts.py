"""The charts of a page, as plain data: what to draw, not how. Each answers one question.

Every number that a chart shows stands in a table of the same page too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar

from sepcost.latency.results import Measurement, Peaks
from sepcost.latency.stats import percentile
from sepcost.report.html.parts import Section, clean

Item = TypeVar("Item")

#: Layers in one chart; more would be thinner than a line.
MOST_BARS = 200
MOST_POINTS = 2000
MOST_SERIES = 12
#: Steps of a distribution: each is half a per cent of the runs.
QUANTILES = 200


def dearest(
    items: Sequence[Item], weight: Callable[[Item], float], most: int
) -> tuple[Sequence[Item], str]:
    """The ``most`` items of the highest weight, in their order, and a note on what is left out."""
    if len(items) <= most:
        return items, ""
    ranked = sorted(range(len(items)), key=lambda at: -weight(items[at]))[:most]
    return [items[at] for at in sorted(ranked)], f"The {most} dearest of {len(items):,}."


def section(
    id_: str, title: str, kind: str, data: Mapping[str, Any], notes: Sequence[str]
) -> tuple[Section, ...]:
    """One chart; its notes become one."""
    return (Section(id_, title, kind, data, " ".join(filter(None, notes))),)


def compared(
    id_: str, title: str, rows: Sequence[tuple[str, int, int]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """Two bars a layer: ``(name, before, after)`` in MACs."""
    shown, cut = dearest(rows, lambda row: row[1], MOST_BARS)
    data = {
        "names": [clean(row[0]) for row in shown],
        "before": [row[1] for row in shown],
        "after": [row[2] for row in shown],
    }
    return section(id_, title, "compared", data, [*notes, cut]) if shown else ()


def promised(
    id_: str, title: str, rows: Sequence[tuple[str, float, float]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """Two dots a layer with the gap between: ``(name, promised, measured)`` as factors."""
    sound = [row for row in rows if row[1] > 0 and row[2] > 0]
    shown, cut = dearest(sound, lambda row: abs(row[1] / row[2]), MOST_BARS)
    data = {
        "names": [clean(row[0]) for row in shown],
        "promised": [row[1] for row in shown],
        "measured": [row[2] for row in shown],
    }
    return section(id_, title, "promised", data, [*notes, cut]) if shown else ()


def changes(
    id_: str, title: str, rows: Sequence[tuple[str, int]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """One bar a layer, up or down: ``(name, more MACs)``."""
    moved = [row for row in rows if row[1]]
    shown, cut = dearest(moved, lambda row: abs(row[1]), MOST_BARS)
    data = {"names": [clean(row[0]) for row in shown], "values": [row[1] for row in shown]}
    return section(id_, title, "changes", data, [*notes, cut]) if shown else ()


def steps(
    id_: str, title: str, rows: Sequence[tuple[str, int]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """Bytes step by step: ``(layer, live bytes)``."""
    data = {"names": [clean(row[0]) for row in rows], "values": [row[1] for row in rows]}
    return section(id_, title, "steps", data, notes) if any(row[1] for row in rows) else ()


def shares(
    id_: str, title: str, rows: Sequence[tuple[str, float, str]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """What is used of each limit: ``(name, value / limit, status)``."""
    shown, cut = dearest(rows, lambda row: row[1], MOST_BARS)
    data = {
        "names": [clean(row[0]) for row in shown],
        "shares": [row[1] for row in shown],
        "status": [row[2] for row in shown],
    }
    return section(id_, title, "shares", data, [*notes, cut]) if shown else ()


def intervals(
    id_: str, title: str, models: Sequence[Measurement], notes: Sequence[str] = ()
) -> tuple[Section, ...]:
    """Each model's latency with its 95 % interval."""
    rows = [
        [clean(m.name), m.latency.estimate, *map(clean, (m.latency.low, m.latency.high))]
        for m in models
    ]
    return section(id_, title, "intervals", {"rows": rows}, notes) if rows else ()


def distribution(
    id_: str, title: str, models: Sequence[Measurement], notes: Sequence[str] = ()
) -> tuple[Section, ...]:
    """The share of all timed runs that were done within a time, one line a model."""
    series = []
    for model in models[:MOST_SERIES]:
        runs = [ns for launch in model.samples for ns in launch.wall_ns]
        if len(runs) > 1:
            at = [100 * k / QUANTILES for k in range(QUANTILES + 1)]
            series.append({"name": clean(model.name), "ns": [percentile(runs, p) for p in at]})
    return section(id_, title, "distribution", {"series": series}, notes) if series else ()


def roofline(
    id_: str, title: str, model: Measurement, peaks: Peaks | None, notes: Sequence[str] = ()
) -> tuple[Section, ...]:
    """Each kernel by FLOPs a byte and FLOPs a second, under what the machine can do."""
    points = [
        (2 * row.macs / row.bytes_moved, 2 * row.macs / row.time_ns * 1e9, row)
        for row in model.layers
        if row.macs and row.bytes_moved and row.time_ns > 0
    ]
    shown, cut = dearest(points, lambda point: point[2].time_ns, MOST_POINTS)
    data = {
        "points": [
            [x, y, clean(row.name or row.kernel), row.time_ns, row.share] for x, y, row in shown
        ],
        "flops": peaks and 2 * peaks.macs_per_second,
        "bytes": peaks and peaks.bytes_per_second,
    }
    return section(id_, title, "roofline", data, [*notes, cut]) if shown else ()


def frontier(
    id_: str,
    title: str,
    axis: str,
    points: Sequence[tuple[float, float, int]],
    chosen: tuple[float, float, int] | None,
) -> tuple[Section, ...]:
    """Plans by what they cost and what they do to the output: ``(cost, error, layers)``."""
    sound = [point for point in points if all(map(isfinite, point))]
    if chosen is not None and not all(map(isfinite, chosen)):
        chosen = None
    data = {"axis": axis, "points": sorted(sound), "chosen": chosen}
    return section(id_, title, "frontier", data, ()) if sound or chosen else ()
