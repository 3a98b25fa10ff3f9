"""Budgets that do not come from a file: from the command line, or from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sepcost.budget.metrics import SYNONYMS, names
from sepcost.budget.results import Budget, Level
from sepcost.budget.values import Fault, budgets
from sepcost.errors import BudgetError
from sepcost.toml_lines import nearest


def given(table: Mapping[str, object]) -> tuple[Budget, ...]:
    """Read budgets as they would stand in a table of the configuration.

    Raises
    ------
    BudgetError
        At the first metric that does not exist, or value that it does not take.
    """
    found: list[Budget] = []
    for key, value in table.items():
        if key not in names():
            raise BudgetError(f"budget {key!r}: unknown metric{nearest(key, names(), SYNONYMS)}")
        try:
            found += budgets(key, value, (key,), Level.ERROR, lambda _: None)
        except Fault as fault:
            raise BudgetError(f"budget {'.'.join(map(str, fault.place))}: {fault}") from None
    return tuple(found)


def written(options: Sequence[str]) -> dict[str, object]:
    """``["macs=600M", "forbid-ops=Loop,If"]`` as a table of the configuration.

    Raises
    ------
    BudgetError
        Where the form is another, or a metric stands twice.
    """
    found: dict[str, object] = {}
    for text in options:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key or not value.strip():
            raise BudgetError(f"--budget {text!r}: expected METRIC=VALUE, like macs=600M")
        if key in found:
            raise BudgetError(f"--budget {text!r}: {key} is given twice")
        part = key.removeprefix("per-layer.")
        if part != key:
            found["per-layer"] = {**_inner(found), part: value}
        else:
            found[key] = value.split(",") if key == "forbid-ops" else value
    return found


def _inner(found: Mapping[str, object]) -> Mapping[str, object]:
    inner = found.get("per-layer", {})
    return inner if isinstance(inner, dict) else {}
