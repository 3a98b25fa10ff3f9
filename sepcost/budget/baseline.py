"""The baseline file: exact numbers by model and metric, as reviewable JSON.

It holds exact metrics only: latencies from another day are not comparable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from sepcost.budget.metrics import EXACT
from sepcost.budget.results import Facts
from sepcost.errors import BudgetError
from sepcost.toml_lines import nearest, shown

SCHEMA = "sepcost/baseline/1"
DEFAULT_NAME = "sepcost-baseline.json"

#: Metrics in a baseline; a ratio follows from its two numbers.
STORED = tuple(key for key in EXACT if key != "separable-headroom")

Stored = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Update:
    """The new text of a baseline file, and the values kept because new ones would be looser."""

    text: str
    kept: tuple[str, ...]  # "models/a.onnx: macs"


def read(path: Path) -> dict[str, dict[str, int]]:
    """Read a baseline file: numbers by model and metric.

    Raises
    ------
    BudgetError
        If it is missing, not JSON, of another schema, or holds anything but numbers.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BudgetError(
            f"{path}: does not exist; write it with 'sepcost check --update'"
        ) from None
    except OSError as error:
        raise BudgetError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BudgetError(f"{path}: not UTF-8 text; restore it") from None
    return parsed(text, path)


def parsed(text: str, path: Path) -> dict[str, dict[str, int]]:
    """Read the text of a baseline file; ``path`` is for messages. Raises as ``read`` does."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BudgetError(
            f"{path}: not valid JSON ({error}); restore it, or rewrite it with --update --loosen"
        ) from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BudgetError(
            f'{path}: not a baseline: expected "schema": "{SCHEMA}"; name another file'
        )
    return {
        model: _numbers(path, model, values) for model, values in _table(path, document).items()
    }


def _table(path: Path, document: Mapping[str, Any]) -> Mapping[str, Any]:
    models = document.get("models")
    if not isinstance(models, dict):
        raise BudgetError(f'{path}: "models" is not a table; rewrite it with --update --loosen')
    return models


def _numbers(path: Path, model: str, values: object) -> dict[str, int]:
    if not isinstance(values, dict):
        raise BudgetError(f"{path}: {shown(model)}: expected numbers by metric")
    for key, value in values.items():
        if key not in STORED:
            raise BudgetError(
                f"{path}: {shown(model)}: unknown metric {shown(key)}{nearest(key, STORED)}"
            )
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BudgetError(
                f"{path}: {shown(model)}: {key}: expected an integer of at least 0, "
                f"not {shown(value)}"
            )
    return dict(values)


def facts(stored: Stored, model: str) -> Facts | None:
    """The stored numbers of one model; None if it is not in the baseline."""
    values = stored.get(model)
    if values is None:
        return None
    found = {key: Fraction(value) for key, value in values.items()}
    if found.get("separable-macs") and "macs" in found:
        found["separable-headroom"] = found["macs"] / found["separable-macs"]
    return Facts(model, found)


def updated(stored: Stored, measured: Sequence[Facts], loosen: bool = False) -> Update:
    """Put new numbers into a baseline; without ``loosen``, numbers are never raised.

    Models that were not checked keep their numbers. Lower bounds are not stored.
    """
    models = {model: dict(values) for model, values in stored.items()}
    kept = []
    for new in measured:
        old = models.setdefault(new.model, {})
        for key in STORED:
            if key not in new.values or key in new.least:
                continue
            value = int(new.values[key])
            if key in old and value > old[key] and not loosen:
                kept.append(f"{new.model}: {key}")
            else:
                old[key] = value
    ordered = {
        model: {key: values[key] for key in STORED if key in values}
        for model, values in sorted(models.items())
    }
    text = json.dumps({"schema": SCHEMA, "models": ordered}, indent=2) + "\n"
    return Update(text, tuple(kept))
