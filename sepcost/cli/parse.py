"""Values of options, from text to plain data."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import inf, nan, prod
from pathlib import Path
from typing import Any

from sepcost.errors import BindingError, SepcostError

MOST_COMBINATIONS = 1000


def sweep(given: Sequence[str]) -> tuple[dict[str, int | range], ...]:
    """``["N=1,2", "H=224"]`` to every combination: ``({"N": 1, "H": 224}, {"N": 2, ...})``.

    A range such as ``N=1:8`` stays one ``range``.

    Raises
    ------
    BindingError
        If the text is not of this form, a symbol is given twice, or there are too many
        combinations.
    """
    choices = _pairs("--bind", given, "DIM=SIZE, such as N=8, or a range such as N=1:8")
    sizes = [_sizes(name, values) for name, values in choices.items()]
    if prod(map(len, sizes)) > MOST_COMBINATIONS:
        raise BindingError(f"--bind: more than {MOST_COMBINATIONS} combinations")
    return tuple(dict(zip(choices, combination, strict=True)) for combination in product(*sizes))


def _sizes(name: str, values: str) -> Sequence[int | range]:
    if ":" not in values:
        return [_whole("--bind", f"{name}={values}", value) for value in values.split(",")]
    from sepcost.cost.ranges import read_range

    try:
        return [read_range(values)]
    except ValueError as error:
        raise BindingError(f"--bind '{name}={values}': {error}") from None


def binding(given: Sequence[str] | None, reason: str, elsewhere: bool = True) -> dict[str, int]:
    """``["N=8", "H=224"]`` to ``{"N": 8, "H": 224}``, for commands that take one size.

    Errors say which commands take more than one size, unless ``elsewhere`` is false.

    Raises
    ------
    BindingError
        As ``sweep``, and for several sizes, with the reason.
    """
    bind = ranges(given, reason, elsewhere)
    one = {name: size for name, size in bind.items() if isinstance(size, int)}
    if len(one) < len(bind):
        many = next(text for text in given or () if ":" in text.rpartition("=")[2])
        others = "; only analyze and check take a range" if elsewhere else ""
        raise BindingError(f"--bind {many!r}: {reason}{others}")
    return one


def ranges(
    given: Sequence[str] | None, reason: str, elsewhere: bool = True
) -> dict[str, int | range]:
    """As ``binding``, for commands that also take a range of sizes."""
    binds = sweep(given or ())
    if len(binds) > 1:
        many = next(text for text in given or () if "," in text.rpartition("=")[2])
        others = "; only analyze takes several" if elsewhere else ""
        raise BindingError(f"--bind {many!r}: {reason}{others}")
    return binds[0]


def shapes(given: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """``["input=1x3x224x224"]`` to ``{"input": (1, 3, 224, 224)}``; ``input=`` is a scalar."""
    return {
        name: tuple(_whole("--shape", text, size) for size in sizes)
        for name, text, sizes in _shapes(given)
    }


def named_shapes(given: Sequence[str]) -> dict[str, tuple[int | str, ...]]:
    """As ``shapes``; a name may stand for a size: ``input=1x3xHxW``."""

    def size(text: str, dim: str) -> int | str:
        return dim if re.fullmatch(r"[^\W\d]\w*", dim) else _whole("--shape", text, dim)

    return {name: tuple(size(text, dim) for dim in dims) for name, text, dims in _shapes(given)}


def _shapes(given: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """The name, the text and the sizes of each ``--shape``."""
    form = "INPUT=SIZES, such as input=1x3x224x224"
    for name, sizes in _pairs("--shape", given, form).items():
        yield name, f"{name}={sizes}", re.split("[x×,]", sizes) if sizes else []


def trips(given: Sequence[str]) -> dict[str, int]:
    """``["loop=10"]`` to ``{"loop": 10}``."""
    return {
        name: _whole("--trips", f"{name}={count}", count, least=0)
        for name, count in _pairs("--trips", given, "NAME=COUNT, such as loop=10").items()
    }


def settings(option: str, given: Sequence[str]) -> dict[str, str]:
    """``["key=value"]`` to ``{"key": "value"}``, split at the first ``=``.

    Raises
    ------
    SepcostError
        If there is no ``=``.
    """
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise SepcostError(f"{option} {name!r}: expected KEY=VALUE")
    return {name: value for name, _, value in pairs}


def providers(given: str | None) -> tuple[str, ...]:
    """``"cuda,cpu"`` to ``("cuda", "cpu")``; default: the CPU provider.

    Raises
    ------
    SepcostError
        If a name is empty or unknown.
    """
    from sepcost.latency.providers import CPU

    if given is None:
        return (CPU,)
    names = [name.strip() for name in given.split(",")]
    if not all(names):
        raise SepcostError(f"--provider {given!r}: expected names, such as openvino or cuda,cpu")
    return tuple(dict.fromkeys(_provider(name) for name in names))


def provider_sets(given: Sequence[str] | None) -> tuple[tuple[str, ...], ...]:
    """As ``providers``, for each ``--provider``.

    Raises
    ------
    SepcostError
        As there, and if a set is given twice.
    """
    sets = tuple(map(providers, given)) if given else (providers(None),)
    for text, one in zip(given or (), sets, strict=False):
        if sets.count(one) > 1:
            raise SepcostError(f"--provider {text}: given twice; leave one out")
    return sets


def _provider(name: str) -> str:
    from sepcost.latency.providers import provider, short_name

    try:
        return short_name(provider(name).name)
    except SepcostError as error:
        raise SepcostError(f"--provider: {error}") from None


def provider_options(given: Sequence[str], asked: Sequence[str]) -> dict[str, dict[str, str]]:
    """``["cuda:device_id=1", "key=value"]`` by provider; without one, for the first of ``asked``.

    Raises
    ------
    SepcostError
        If the provider is not among ``asked``, or is the CPU provider, which has no options.
    """
    from sepcost.latency.providers import CPU, PROVIDERS

    chosen: dict[str, dict[str, str]] = {}
    for key, value in settings("--provider-option", given).items():
        name, colon, option = key.partition(":")
        owner, option = (name, option) if colon and name in PROVIDERS else (asked[0], key)
        if owner not in asked:
            raise SepcostError(f"--provider-option {key}: needs --provider {owner}; add it")
        if owner == CPU:
            raise SepcostError(
                f"--provider-option {key}: the CPU provider takes no options; "
                "did you mean --session-option?"
            )
        chosen.setdefault(owner, {})[option] = value
    return chosen


def fraction(option: str, given: str) -> float:
    """``"1%"`` or ``"0.01"`` to 0.01.

    Raises
    ------
    SepcostError
        If it is not a number above 0.
    """
    text = given.strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = nan
    if not 0 < value < inf:
        raise SepcostError(f"{option} {given!r}: expected a share above 0, such as 1% or 0.01")
    return value


def percentiles(given: str) -> tuple[float, ...]:
    """``"50,90"`` to ``(50.0, 90.0)``.

    Raises
    ------
    SepcostError
        If one is not a number from 0 to 100.
    """
    try:
        values = tuple(float(part) for part in given.split(",") if part.strip())
    except ValueError:
        values = (nan,)
    if not all(0 <= value <= 100 for value in values):
        raise SepcostError(
            f"--percentiles {given!r}: expected numbers from 0 to 100, such as 50,90"
        )
    return values


def _pairs(option: str, given: Sequence[str], form: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise BindingError(f"{option} {text!r}: expected {form}")
        if "," in name and all("=" in part for part in text.split(",")):
            apart = " ".join(f"{option} {part}" for part in text.split(","))
            raise BindingError(f"{option} {text!r}: one name per {option}: {apart}")
        if name in pairs:
            raise BindingError(f"{option} {text!r}: {name!r} is given twice")
        pairs[name] = value
    return pairs


def _whole(option: str, text: str, value: str, least: int = 1) -> int:
    digits = value.strip()  # int() rejects some white space, such as U+001C
    if not re.fullmatch("[0-9]{1,18}", digits) or int(digits) < least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise BindingError(f"{option} {text!r}: expected {kind}, not {value!r}")
    return int(digits)


def operators(given: str | None) -> Mapping[Any, Any] | None:
    """Import ``module:NAME``, a mapping of (domain, op_type) to formulas; add the built-in ones.

    Raises
    ------
    SepcostError
        If the module or the name does not exist, the import fails, or it is not such a mapping.
    """
    if given is None:
        return None
    module, _, name = given.partition(":")
    if not module or not name:
        raise SepcostError(f"--operators {given!r}: expected MODULE:NAME, such as my_ops:OPERATORS")
    table = _import(f"--operators {given!r}", module, name)
    if not isinstance(table, Mapping) or not all(
        isinstance(key, tuple) and len(key) == 2 and callable(formula)
        for key, formula in table.items()
    ):
        raise SepcostError(
            f"--operators {given!r}: expected a dict {{(domain, op_type): function of a layer}}"
        )
    from sepcost.cost.operators import OPERATORS

    return {**OPERATORS, **table}


def metric(given: str | None) -> str | None:
    """Import the module of ``MODULE:FUNCTION`` from the current folder; other names stay as is.

    Raises
    ------
    SepcostError
        If there is none, or its import fails.
    """
    module, colon, name = (given or "").partition(":")
    if colon and module and name:
        _import(f"--metric {given}", module, name)
    return given


def _import(option: str, module: str, name: str) -> object:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # importing a module may raise anything
        raise SepcostError(f"{option}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(here)
