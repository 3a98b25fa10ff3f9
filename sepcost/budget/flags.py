"""Budgets from the command line or from Python, not from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sepcost.budget.metrics import names, suggested
from sepcost.budget.results import Budget, Level
from sepcost.budget.values import ValueFault, budgets
from sepcost.errors import BudgetError

NONE: Mapping[str, str] = MappingProxyType({})


def given(table: Mapping[str, object], options: Mapping[str, str] = NONE) -> tuple[Budget, ...]:
    """Read budgets given as a table, as in the configuration.

    Parameters
    ----------
    table
        Limits by metric.
    options
        The command-line option that each metric was typed with, for errors.

    Raises
    ------
    BudgetError
        At the first unknown metric or malformed value.
    """
    read: list[Budget] = []
    for key, value in table.items():
        typed = options.get(key, f"budget {key}")
        if key not in names():
            raise BudgetError(f"{typed}: unknown metric{suggested(key, names())}")
        try:
            read += budgets(key, value, (key,), Level.ERROR, lambda _: None)
        except ValueFault as fault:
            inner = (str(part) for part in fault.place[1:])
            raise BudgetError(f"{'.'.join([typed, *inner])}: {fault}") from None
    return tuple(read)


def written(pairs: Sequence[str]) -> dict[str, object]:
    """``["macs=600M", "forbid-ops=Loop,If"]`` as a table of the configuration.

    Raises
    ------
    BudgetError
        If one is not METRIC=VALUE, or a metric is given twice.
    """
    table: dict[str, object] = {}
    for text in pairs:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key or not value.strip():
            raise BudgetError(f"--budget {text!r}: expected METRIC=VALUE, such as macs=600M")
        if key in table:
            raise BudgetError(f"--budget {text!r}: {key} is given twice")
        part = key.removeprefix("per-layer.")
        if part != key:
            table["per-layer"] = {**_inner(table), part: value}
        else:
            table[key] = value.split(",") if key == "forbid-ops" else value
    return table


def _inner(found: Mapping[str, object]) -> Mapping[str, object]:
    inner = found.get("per-layer", {})
    return inner if isinstance(inner, dict) else {}
