"""Values of budgets: an amount, a change, a table, or a list of operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sepcost.budget.metrics import (
    EXACT,
    METRICS,
    PER_LAYER,
    SYNONYMS,
    VS_BASELINE,
    Metric,
    base,
    measured,
)
from sepcost.budget.results import Bound, Budget, Level, Location
from sepcost.budget.units import Dimension, UnitError, amount, change
from sepcost.toml_lines import Place, nearest, shown

Where = Callable[[Place], Location | None]


class ValueFault(Exception):  # noqa: N818  (it becomes a BudgetError once its line is known)
    """A fault at a place in the document, before its line is known."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def budgets(key: str, value: object, place: Place, level: Level, where: Where) -> Iterator[Budget]:
    """Read the budgets set by one key of an entry.

    Raises
    ------
    ValueFault
        If the metric does not take this value.
    """
    if key == "forbid-ops":
        yield _forbidden(value, place, level, where)
    elif key == "per-layer":
        yield from _per_layer(value, place, level, where)
    else:
        yield from _limits(key, value, place, level, where)


def _limits(key: str, value: object, place: Place, level: Level, where: Where) -> Iterator[Budget]:
    """``"12 ms"``, or a table: ``{ max = "12 ms", level = "warn" }``, or with ``min``."""
    metric = METRICS[base(key)]
    if not isinstance(value, dict):
        limit = _limit(key, value, place, metric)
        yield Budget(key, limit, metric.bound, level, where(place))
        return
    level = _table_level(value, place, ("max", "min"), level)
    sides = [side for side in ("max", "min") if side in value]
    if not sides:
        raise ValueFault(place, f"no limit in the table; write {{ {metric.bound} = ... }}")
    for side in sides:
        inner = (*place, side)
        yield Budget(key, _limit(key, value[side], inner, metric), Bound(side), level, where(inner))


def _limit(key: str, value: object, place: Place, metric: Metric) -> Any:
    try:
        if key.endswith(VS_BASELINE):
            by_ratio = measured(key)  # two runs are compared by ratio only
            return change(value, None if by_ratio else metric.dimension)
        limit = amount(value, metric.dimension)
    except UnitError as error:
        raise ValueFault(place, str(error)) from None
    if metric.dimension is Dimension.SHARE and limit > 1:
        raise ValueFault(place, f"{shown(value)} is more than 100%; write '100%' for all")
    return limit


def _table_level(
    table: Mapping[str, Any], place: Place, known: Sequence[str], level: Level
) -> Level:
    """Check the keys of a table and read its ``level``."""
    for key in table:
        if key not in (*known, "level"):
            near = nearest(key, [*known, "level"], SYNONYMS)
            raise ValueFault((*place, key), f"unknown key{near}")
    return Level(choice(table.get("level", str(level)), tuple(Level), (*place, "level")))


def _forbidden(value: object, place: Place, level: Level, where: Where) -> Budget:
    if isinstance(value, dict):
        level = _table_level(value, place, ("ops",), level)
        place, value = (*place, "ops"), value.get("ops")
    if not isinstance(value, list) or not value:
        raise ValueFault(
            place, f"expected a list such as ['Loop', 'com.acme::*'], not {shown(value)}"
        )
    patterns = tuple(text_of(op, (*place, index)) for index, op in enumerate(value))
    return Budget("forbid-ops", patterns, Bound.MAX, level, where(place))


def _per_layer(value: object, place: Place, level: Level, where: Where) -> Iterator[Budget]:
    """``{ macs = "20%" }`` is a share of the total, ``{ macs = "50 M" }`` an amount."""
    if not isinstance(value, dict):
        raise ValueFault(place, f"expected a table such as {{ macs = '20%' }}, not {shown(value)}")
    outer = _table_level(value, place, tuple(PER_LAYER), level)
    for part, given in value.items():
        if part == "level":
            continue
        inner: Place = (*place, part)
        own, written = outer, given
        if isinstance(given, dict):
            own = _table_level(given, inner, ("max",), outer)
            inner, written = (*inner, "max"), given.get("max")
        relative = isinstance(written, str) and written.strip().endswith("%")
        metric = Metric(Dimension.SHARE) if relative else EXACT[part]
        limit = _limit(part, written, inner, metric)
        yield Budget("per-layer", limit, Bound.MAX, own, where(inner), part, relative)


def text_of(value: object, place: Place) -> str:
    """Read text that is printable and not empty."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueFault(place, f"expected text, not {shown(value)}")
    return value


def choice(value: object, known: Sequence[str], place: Place) -> str:
    """Read one of a few words."""
    words = [str(word) for word in known]
    if not isinstance(value, str) or value not in words:
        near = nearest(value, words) if isinstance(value, str) else ""
        listed = ", ".join(map(shown, words))
        raise ValueFault(place, f"expected one of {listed}, not {shown(value)}{near}")
    return value
