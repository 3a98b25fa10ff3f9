"""The charts of a page as plain data, which the page's script draws.

Every number in a chart is also in a table of the same page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar

from sepcost.latency.results import Measurement, Peaks
from sepcost.latency.stats import percentile
from sepcost.report.html.parts import Section, clean

Item = TypeVar("Item")

#: Layers in one chart; more bars would be thinner than a line.
MOST_BARS = 200
MOST_POINTS = 2000
MOST_SERIES = 12
#: Steps of a distribution, half a per cent of the runs each.
QUANTILES = 200


def largest(
    items: Sequence[Item], weight: Callable[[Item], float], most: int
) -> tuple[Sequence[Item], str]:
    """The ``most`` items of largest weight, in their order, and a note if some are left out."""
    if len(items) <= most:
        return items, ""
    ranked = sorted(range(len(items)), key=lambda at: -weight(items[at]))[:most]
    return [items[at] for at in sorted(ranked)], f"The {most} largest of {len(items):,}."


def section(
    id_: str, title: str, kind: str, data: Mapping[str, Any], notes: Sequence[str]
) -> tuple[Section, ...]:
    """One chart, with its notes joined."""
    return (Section(id_, title, kind, data, " ".join(filter(None, notes))),)


def compared(
    id_: str, title: str, rows: Sequence[tuple[str, int, int]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """Two bars per layer: ``(name, before, after)`` in MACs."""
    shown, cut = largest(rows, lambda row: row[1], MOST_BARS)
    data = {
        "names": [clean(row[0]) for row in shown],
        "before": [row[1] for row in shown],
        "after": [row[2] for row in shown],
    }
    return section(id_, title, "compared", data, [*notes, cut]) if shown else ()


def promised(
    id_: str, title: str, rows: Sequence[tuple[str, float, float]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """Two dots per layer, joined: ``(name, fewer MACs, measured speed-up)`` as factors."""
    sound = [row for row in rows if row[1] > 0 and row[2] > 0]
    shown, cut = largest(sound, lambda row: abs(row[1] / row[2]), MOST_BARS)
    data = {
        "names": [clean(row[0]) for row in shown],
        "promised": [row[1] for row in shown],
        "measured": [row[2] for row in shown],
    }
    return section(id_, title, "promised", data, [*notes, cut]) if shown else ()


def changes(
    id_: str, title: str, rows: Sequence[tuple[str, int]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """One bar per layer, up or down: ``(name, more MACs)``."""
    moved = [row for row in rows if row[1]]
    shown, cut = largest(moved, lambda row: abs(row[1]), MOST_BARS)
    data = {"names": [clean(row[0]) for row in shown], "values": [row[1] for row in shown]}
    return section(id_, title, "changes", data, [*notes, cut]) if shown else ()


def steps(
    id_: str, title: str, rows: Sequence[tuple[str, int]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """Live bytes per layer: ``(layer, bytes)``."""
    data = {"names": [clean(row[0]) for row in rows], "values": [row[1] for row in rows]}
    return section(id_, title, "steps", data, notes) if any(row[1] for row in rows) else ()


def shares(
    id_: str, title: str, rows: Sequence[tuple[str, float, str]], notes: Sequence[str]
) -> tuple[Section, ...]:
    """Use of each limit: ``(name, value / limit, status)``."""
    shown, cut = largest(rows, lambda row: row[1], MOST_BARS)
    data = {
        "names": [clean(row[0]) for row in shown],
        "shares": [row[1] for row in shown],
        "status": [row[2] for row in shown],
    }
    return section(id_, title, "shares", data, [*notes, cut]) if shown else ()


def intervals(
    id_: str, title: str, models: Sequence[Measurement], notes: Sequence[str] = ()
) -> tuple[Section, ...]:
    """The latency of each model with its 95% interval."""
    rows = [
        [clean(m.name), m.latency.estimate, *map(clean, (m.latency.low, m.latency.high))]
        for m in models
    ]
    return section(id_, title, "intervals", {"rows": rows}, notes) if rows else ()


def distribution(
    id_: str, title: str, models: Sequence[Measurement], notes: Sequence[str] = ()
) -> tuple[Section, ...]:
    """The share of all timed runs that finished within a given time, one line per model."""
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
    """Each kernel by FLOPs per byte and per second, below the limits of the machine."""
    points = [
        (2 * row.macs / row.bytes_moved, 2 * row.macs / row.time_ns * 1e9, row)
        for row in model.layers
        if row.macs and row.bytes_moved and row.time_ns > 0
    ]
    shown, cut = largest(points, lambda point: point[2].time_ns, MOST_POINTS)
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
    """Plans by cost and output error: ``(cost, error, layers)``."""
    sound = [point for point in points if all(map(isfinite, point))]
    if chosen is not None and not all(map(isfinite, chosen)):
        chosen = None
    data = {"axis": axis, "points": sorted(sound), "chosen": chosen}
    return section(id_, title, "frontier", data, ()) if sound or chosen else ()
