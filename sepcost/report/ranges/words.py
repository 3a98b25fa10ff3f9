"""A cost over a range of sizes in words and columns. Nothing is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sepcost.cost.ranges import CostRange, Extent
from sepcost.cost.words import plural
from sepcost.report.columns import Column
from sepcost.report.labels import operations, title
from sepcost.report.units import human

#: What the rows are called, and their unit; MACs have their own.
NAMES: Mapping[str, tuple[str, str]] = {
    "params": ("params", ""),
    "elementwise_ops": ("elementwise ops", ""),
    "weight_bytes": ("weights", "B"),
    "activation_bytes": ("activations", "B"),
    "peak_activation_bytes": ("peak activations", "B"),
    "separable_params": ("separable params", ""),
    "bytes_moved": ("moved", "B"),
}


@dataclass(frozen=True, slots=True)
class CostLine:
    """One cost, as text."""

    name: str
    least: str
    least_at: str
    most: str
    most_at: str


def headline(found: CostRange) -> str:
    """``net: 78 sizes counted: N=1:8, H=224:640:32``."""
    sizes = [f"{name}={spelled(size)}" for name, size in found.ranges.items()]
    fixed = [f"{name}={size}" for name, size in found.bindings.items()]
    least = "" if found.complete else " (lower bounds)"
    many = plural(found.points, "size")
    return f"{found.name}: {many} counted{least}: {', '.join([*sizes, *fixed])}"


def spelled(size: range) -> str:
    """As typed: ``224:640:32``."""
    text = f"{size.start}:{size[-1]}"
    return text if size.step == 1 else f"{text}:{size.step}"


def lines(found: CostRange, unit: str) -> Iterator[CostLine]:
    """One line per cost; the sizes are empty where the cost is the same everywhere."""
    for name, extent in found.costs.items():
        shown, least, most = _amounts(name, extent, unit)
        same = extent.least == extent.most
        least_at, most_at = (
            "everywhere" if same else " ".join(f"{dim}={size}" for dim, size in sizes.items())
            for sizes in (extent.least_at, extent.most_at)
        )
        yield CostLine(shown, least, least_at, "" if same else most, "" if same else most_at)


def _amounts(name: str, extent: Extent, unit: str) -> tuple[str, str, str]:
    least, most = int(extent.least), int(extent.most)
    if name in NAMES:
        shown, suffix = NAMES[name]
        return shown, human(least, suffix), human(most, suffix)
    shown = title(unit) if name == "macs" else f"separable {title(unit)}"
    return shown, operations(least, unit), operations(most, unit)


def columns() -> tuple[Column[CostLine], ...]:
    """The columns of the table."""
    return (
        Column("cost", lambda line: line.name, 0, False),
        Column("minimum", lambda line: line.least),
        Column("at", lambda line: line.least_at, 1, False, True),
        Column("maximum", lambda line: line.most),
        Column("at", lambda line: line.most_at, 1, False, True),
    )
