"""What people type into options, as plain data."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from math import inf, nan, prod
from pathlib import Path
from typing import Any

from sepcost.errors import BindingError, SepcostError
from sepcost.latency.providers import CPU, PROVIDERS, provider, short_name

MOST_COMBINATIONS = 1000


def sweep(given: Sequence[str]) -> tuple[dict[str, int], ...]:
    """``["N=1,2", "H=224"]`` to every combination: ``({"N": 1, "H": 224}, {"N": 2, ...})``.

    Raises
    ------
    BindingError
        Where the form is another, a symbol stands twice, or there are too many combinations.
    """
    choices = _pairs("--bind", given, "N=8 or N=1,2,4,8")
    sizes = [
        [_whole("--bind", f"{name}={values}", value) for value in values.split(",")]
        for name, values in choices.items()
    ]
    if prod(map(len, sizes)) > MOST_COMBINATIONS:
        raise BindingError(f"--bind: more than {MOST_COMBINATIONS} combinations")
    return tuple(dict(zip(choices, combination, strict=True)) for combination in product(*sizes))


def binding(given: Sequence[str] | None, reason: str) -> dict[str, int]:
    """``["N=8", "H=224"]`` to ``{"N": 8, "H": 224}``, where only one size makes sense.

    Raises
    ------
    BindingError
        As ``sweep``, and for more than one size, with the reason why not.
    """
    binds = sweep(given or ())
    if len(binds) > 1:
        raise BindingError(f"--bind: {reason}; analyze sweeps")
    return binds[0]


def shapes(given: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """``["input=1x3x224x224"]`` to ``{"input": (1, 3, 224, 224)}``; nothing after = is a scalar."""
    return {
        name: tuple(
            _whole("--shape", f"{name}={sizes}", size) for size in re.split("[x×,]", sizes) if sizes
        )
        for name, sizes in _pairs("--shape", given, "input=1x3x224x224").items()
    }


def trips(given: Sequence[str]) -> dict[str, int]:
    """``["loop=10"]`` to ``{"loop": 10}``."""
    return {
        name: _whole("--trips", f"{name}={count}", count, least=0)
        for name, count in _pairs("--trips", given, "NAME=10").items()
    }


def settings(option: str, given: Sequence[str]) -> dict[str, str]:
    """``["key=value"]`` to ``{"key": "value"}``; only the first = parts them.

    Raises
    ------
    SepcostError
        Where there is no =.
    """
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise SepcostError(f"{option} {name!r}: expected KEY=VALUE")
    return {name: value for name, _, value in pairs}


def providers(given: str | None) -> tuple[str, ...]:
    """``"cuda,cpu"`` to ``("cuda", "cpu")``; the CPU's where none is given.

    Raises
    ------
    SepcostError
        Where a name is empty, or there is no such provider.
    """
    if given is None:
        return (CPU,)
    found = [name.strip() for name in given.split(",")]
    if not all(found):
        raise SepcostError(f"--provider {given!r}: expected names, like openvino or cuda,cpu")
    return tuple(dict.fromkeys(short_name(provider(name).name) for name in found))


def provider_options(given: Sequence[str], asked: Sequence[str]) -> dict[str, dict[str, str]]:
    """``["cuda:device_id=1", "key=value"]`` by provider; without a provider it is the first's.

    Raises
    ------
    SepcostError
        Where the provider is not one of those asked for, or is the CPU's, which has no options.
    """
    found: dict[str, dict[str, str]] = {}
    for key, value in settings("--provider-option", given).items():
        name, colon, option = key.partition(":")
        owner, option = (name, option) if colon and name in PROVIDERS else (asked[0], key)
        if owner not in asked:
            raise SepcostError(f"--provider-option {key}: --provider does not name {owner}")
        if owner == CPU:
            raise SepcostError(
                f"--provider-option {key}: the CPU provider has none; is it a --session-option?"
            )
        found.setdefault(owner, {})[option] = value
    return found


def fraction(option: str, given: str) -> float:
    """``"1%"`` or ``"0.01"`` to 0.01.

    Raises
    ------
    SepcostError
        Where it is no number above 0.
    """
    text = given.strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = nan
    if not 0 < value < inf:
        raise SepcostError(f"{option} {given!r}: expected a part above 0, like 1% or 0.01")
    return value


def percentiles(given: str) -> tuple[float, ...]:
    """``"50,90"`` to ``(50.0, 90.0)``.

    Raises
    ------
    SepcostError
        Where one is no number from 0 to 100.
    """
    try:
        found = tuple(float(part) for part in given.split(",") if part.strip())
    except ValueError:
        found = (nan,)
    if not all(0 <= one <= 100 for one in found):
        raise SepcostError(f"--percentiles {given!r}: expected numbers from 0 to 100, like 50,90")
    return found


def _pairs(option: str, given: Sequence[str], form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise BindingError(f"{option} {text!r}: expected {form}")
        if "," in name and all("=" in part for part in text.split(",")):
            apart = " ".join(f"{option} {part}" for part in text.split(","))
            raise BindingError(f"{option} {text!r}: one name per {option}: {apart}")
        if name in found:
            raise BindingError(f"{option} {text!r}: {name!r} is given twice")
        found[name] = value
    return found


def _whole(option: str, text: str, value: str, least: int = 1) -> int:
    digits = value.strip()  # also of spaces that int() does not know, as U+001C
    if not re.fullmatch("[0-9]{1,18}", digits) or int(digits) < least:
        raise BindingError(f"{option} {text!r}: {value!r} is no whole number from {least} up")
    return int(digits)


def operators(given: str | None) -> Mapping[Any, Any] | None:
    """Import ``module:NAME``, a mapping of (domain, op_type) to formulas, on top of the built-in.

    Raises
    ------
    SepcostError
        Where the module or the name does not exist, the import fails, or it is no mapping.
    """
    if given is None:
        return None
    module, _, name = given.partition(":")
    if not module or not name:
        raise SepcostError(f"--operators {given!r}: expected module:NAME, like my_ops:OPERATORS")
    found = _import(given, module, name)
    if not isinstance(found, Mapping) or not all(
        isinstance(key, tuple) and len(key) == 2 and callable(formula)
        for key, formula in found.items()
    ):
        raise SepcostError(f"--operators {given!r}: maps no (domain, op_type) to functions")
    from sepcost.cost.operators import OPERATORS

    return {**OPERATORS, **found}


def _import(given: str, module: str, name: str) -> object:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # a module may raise anything while it is imported
        raise SepcostError(f"--operators {given!r}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(here)
