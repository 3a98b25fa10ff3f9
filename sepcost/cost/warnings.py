"""The warnings of an analysis, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.cost.branches import BOTH, Sides, may_run
from sepcost.cost.results import Conventions, CountStatus, LayerCost
from sepcost.cost.words import listed, plural
from sepcost.network import Network


def analysis_warnings(
    network: Network, rows: Sequence[LayerCost], sides: Sides, conventions: Conventions
) -> tuple[str, ...]:
    """Collect the warnings of an analysis; names from the model are quoted and escaped."""
    lines = (
        *network.warnings,
        *_dead(network),
        *_gaps(network, rows),
        *_branches(network, sides, conventions),
    )
    return tuple(dict.fromkeys(lines))


def _dead(network: Network) -> Iterator[str]:
    values = network.dead_weights
    if values:
        elements = sum(value.elements or 0 for value in values)
        names = listed(value.name for value in values)
        yield (
            f"not counted: {plural(len(values), 'initializer')} that no node reads "
            f"({elements:,} elements): {names}"
        )


def _gaps(network: Network, rows: Sequence[LayerCost]) -> Iterator[str]:
    """Name the operators whose MACs are missing, which makes the totals lower bounds."""
    gaps: dict[tuple[str, str], list[LayerCost]] = {}
    for row in rows:
        missing = row.status in (CountStatus.UNKNOWN, CountStatus.UNRESOLVED)
        if missing and may_run(row.layer, network.choices):
            layer = row.layer
            operator = f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type
            gaps.setdefault((operator, _general(row)), []).append(row)
    for (operator, reason), missing_rows in gaps.items():
        names = listed(row.layer.name or row.layer.id for row in missing_rows)
        count = len(missing_rows)
        yield f"totals are lower bounds: {count} {operator} not counted ({reason}): {names}"


def _general(row: LayerCost) -> str:
    """The reason without the details of one layer."""
    if row.status is CountStatus.UNRESOLVED and row.layer.missing and row.reason:
        return "a shape is unknown" if row.layer.trips is not None else row.reason
    return row.reason or row.status.value


def _branches(network: Network, sides: Sides, conventions: Conventions) -> Iterator[str]:
    """State which branches count for each If whose condition is unknown."""
    open_ifs = [choice for choice in sides if network.choices.get(choice) is None]
    if not open_ifs:
        return
    many = plural(len(open_ifs), "If")
    if conventions.if_branches == "sum":
        yield f"{many}: totals include both branches (--if sum)"
        return
    which = "the most expensive branch" if conventions.if_branches == "max" else "one branch"
    named = listed(open_ifs, lambda choice: f" ({_side(sides[choice])})")
    yield f"{many}: totals include {which} of each: {named}"


def _side(chosen: frozenset[str]) -> str:
    return "both" if chosen == BOTH else next(iter(chosen))
