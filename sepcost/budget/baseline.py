"""The baseline file: exact numbers by model and metric, as JSON that is fit for review.

Only exact metrics stand in it: milliseconds of another day are nothing to compare with.
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

#: What a baseline holds: a ratio follows from the numbers that it is made of.
STORED = tuple(key for key in EXACT if key != "separable-headroom")

Stored = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Update:
    """What a baseline file is to hold, and the values that stayed because they would be looser."""

    text: str
    kept: tuple[str, ...]  # "models/a.onnx: macs"


def read(path: Path) -> dict[str, dict[str, int]]:
    """Read a baseline file: numbers by model and metric.

    Raises
    ------
    BudgetError
        Where it is missing, no JSON, of another schema, or holds what is no number.
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
            f"{path}: not valid JSON ({error}); restore it, or write it anew with --update --loosen"
        ) from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BudgetError(f'{path}: is no baseline: expected "schema": "{SCHEMA}"')
    return {
        model: _numbers(path, model, values) for model, values in _table(path, document).items()
    }


def _table(path: Path, document: Mapping[str, Any]) -> Mapping[str, Any]:
    models = document.get("models")
    if not isinstance(models, dict):
        raise BudgetError(f'{path}: "models" is no table; write it anew with --update --loosen')
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
                f"{path}: {shown(model)}: {key}: expected a whole number from 0 up, "
                f"not {shown(value)}"
            )
    return dict(values)


def facts(stored: Stored, model: str) -> Facts | None:
    """The stored numbers of one model; None where it is not in the baseline."""
    values = stored.get(model)
    if values is None:
        return None
    found = {key: Fraction(value) for key, value in values.items()}
    if found.get("separable-macs") and "macs" in found:
        found["separable-headroom"] = found["macs"] / found["separable-macs"]
    return Facts(model, found)


def updated(stored: Stored, measured: Sequence[Facts], loosen: bool = False) -> Update:
    """Put new numbers into a baseline; without ``loosen`` a number is only ever lowered.

    Models that were not checked keep what they have. Lower bounds are not stored.
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
