"""The shortest time on a machine in words and columns. Nothing is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from sepcost.cost.roofline import LayerRoofline, Roofline
from sepcost.report.columns import Column, Style, shares
from sepcost.report.labels import label, operations, operator, title
from sepcost.report.units import duration, human


def headline(name: str, found: Roofline) -> str:
    """``net on pi5: at least 4.94 ms; roofline 9.2 ms``."""
    return (
        f"{name} on {found.machine.name}: at least {duration(found.arithmetic_ns)}; "
        f"roofline {duration(found.roofline_ns)}"
    )


def details(found: Roofline) -> Iterator[str]:
    """The peaks, and what the figures are."""
    machine = found.machine
    peaks = f"peak {human(machine.macs_per_second, 'MAC/s')}"
    if machine.int8_macs_per_second:
        peaks += f" ({human(machine.int8_macs_per_second, 'MAC/s')} in int8)"
    run = f" with {machine.provider}" if machine.provider else ""
    threads = f", {machine.threads} thread{'s' if machine.threads > 1 else ''}" * bool(
        machine.threads
    )
    yield f"{peaks} and {human(machine.bytes_per_second, 'B/s')}{run}{threads}"
    yield (
        "at least: all MACs at the peak speed; roofline: each layer takes its compute or its "
        "memory time, whichever is longer (less only if its data stay in the caches); layers "
        "without MACs take no time"
    )
    if not found.complete:
        yield "some layers are not counted"


def columns(found: Roofline, unit: str) -> tuple[Column[LayerRoofline], ...]:
    """The columns of one row per layer with MACs."""
    whole = round(found.roofline_ns)
    share = shares(whole, (round(each.ns) for each in found.layers), Style())
    return (
        Column("layer", lambda each: label(each.row.layer), 0, False, True, "name"),
        Column("op", lambda each: operator(each.row.layer), 1, False, True),
        Column(title(unit), lambda each: operations(each.row.macs, unit), 2),
        Column("moved", lambda each: human(each.row.bytes_moved or 0, "B"), 3),
        Column("roofline", lambda each: duration(each.ns)),
        Column("share", lambda each: share.cell(round(each.ns)), 4, role="share"),
        Column("bound", lambda each: each.limit, 0, False),
    )
