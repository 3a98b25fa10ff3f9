"""Amounts as people write them, read exactly: ``600M``, ``0.6 G``, ``10 MiB``, ``12 ms``, ``5%``.

Amounts become fractions: ``0.1 G`` is exactly 100,000,000, and a value equal to its limit is
within it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import isfinite

from sepcost.toml_lines import nearest, shown


class Dimension(StrEnum):
    """Kinds of amounts."""

    COUNT = "count"  # 600 M
    BYTES = "bytes"  # 10 MB, 10 MiB
    TIME = "time"  # 12 ms
    SHARE = "share"  # 20%
    FACTOR = "factor"  # 2x
    NUMBER = "number"  # 1e-3


_COUNTS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
_BYTES = {"": 1, "B": 1} | {
    f"{prefix}{end}": (1024 if "i" in end else 1000) ** power
    for power, prefixes in enumerate(("kK", "M", "G", "T"), start=1)
    for prefix in prefixes
    for end in ("B", "iB")
}
_TIMES = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_FACTORS = {"": 1, "x": 1, "×": 1}

#: Unit -> its size in base units (pieces, bytes, ns, fractions).
UNITS: Mapping[Dimension, Mapping[str, int | Fraction]] = {
    Dimension.COUNT: _COUNTS,
    Dimension.BYTES: _BYTES,
    Dimension.TIME: _TIMES,
    Dimension.SHARE: {"%": Fraction(1, 100), "": 1},
    Dimension.FACTOR: _FACTORS,
    Dimension.NUMBER: {"": 1, "%": Fraction(1, 100)},
}
EXAMPLES: Mapping[Dimension, str] = {
    Dimension.COUNT: "'600 M' or 600_000_000",
    Dimension.BYTES: "'10 MB' or '10 MiB'",
    Dimension.TIME: "'12 ms'",
    Dimension.SHARE: "'20%'",
    Dimension.FACTOR: "'2x'",
    Dimension.NUMBER: "1e-3",
}

#: Changes that add to a baseline.
_OFFSETS: Mapping[Dimension, str] = {
    Dimension.COUNT: "'+1 M'",
    Dimension.BYTES: "'+1 MB'",
    Dimension.FACTOR: "'+0.5x'",
}

LARGEST = 10**30

#: More digits or larger exponents are mistakes, and slow to compute with.
_NUMBER = re.compile(
    r"\s*([+-]?)\s*([0-9][0-9_]{0,40}(?:\.[0-9]{1,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?"
    r"\s*([^\s0-9+-]*)\s*"
)


def _expected(dimension: Dimension) -> str:
    kind = "size" if dimension is Dimension.BYTES else dimension.value
    return f"expected a {kind} such as {EXAMPLES[dimension]}"


class UnitError(ValueError):
    """Text that is not an amount of its dimension; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Change:
    """A limit relative to the baseline: ``baseline * factor + offset``."""

    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    def limit(self, baseline: Fraction) -> Fraction:
        """The value that the change allows."""
        return baseline * self.factor + self.offset


def amount(value: object, dimension: Dimension) -> Fraction:
    """Read an amount: numbers in TOML are in base units, text carries its unit.

    Raises
    ------
    UnitError
        If the value is not an amount of this dimension, or is below zero.
    """
    if isinstance(value, str):
        sign, number, unit = _split(value, dimension)
        size = number * _unit(unit, value, dimension)
        if sign == "-" and size:
            raise UnitError(f"{shown(value)} is below zero; {_expected(dimension)}")
        return size
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise UnitError(f"{_expected(dimension)}, not {shown(value)}")
    if dimension is Dimension.TIME:
        raise UnitError(f"{shown(value)} has no unit; {_expected(dimension)}")
    if not 0 <= value < LARGEST:
        fault = "is below zero" if value < 0 else "is too large"
        raise UnitError(f"{shown(value)} {fault}; {_expected(dimension)}")
    return Fraction(str(value))  # 0.1 is a tenth here, not the float nearest to it


def change(value: object, dimension: Dimension | None) -> Change:
    """Read a change against a baseline: ``+5%``, ``-10%``, ``1.05x``, ``+1 M``.

    Parameters
    ----------
    value
        Text.
    dimension
        What is added to the baseline; None if the change can only be a ratio.

    Raises
    ------
    UnitError
        If the value is not a change, or is a bare ``5%``, which may mean more or less.
    """
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if not isinstance(value, str) or match is None:
        raise UnitError(f"{_changes(dimension)}, not {shown(value)}")
    sign, number, unit = _parts(match)
    if unit in {"x", "×"} and not sign:
        return Change(factor=number)
    signed = -number if sign == "-" else number
    found = (
        Change(factor=1 + signed / 100)
        if unit == "%"
        else Change(offset=signed * _offset(unit, value, dimension))
    )
    if not sign:
        raise UnitError(f"{shown(value)} has no sign; write {shown('+' + value.strip())}")
    if found.factor < 0:
        raise UnitError(f"{shown(value)} would be below zero; expected '-100%' or more")
    return found


def _changes(dimension: Dimension | None) -> str:
    if dimension is None:
        return "expected '+5%' or '1.05x'"
    return f"expected '+5%', '1.05x' or {_OFFSETS[dimension]}"


def _offset(unit: str, value: str, dimension: Dimension | None) -> int | Fraction:
    """The unit of an offset, which not every change can have."""
    if dimension is None:
        raise UnitError(f"{shown(value)} is not a ratio; {_changes(dimension)}")
    if dimension is Dimension.FACTOR and not unit:
        raise UnitError(f"{shown(value)} has no unit; {_changes(dimension)}")
    return _unit(unit, value, dimension)


def _split(value: str, dimension: Dimension) -> tuple[str, Fraction, str]:
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise UnitError(f"{_expected(dimension)}, not {shown(value)}")
    return _parts(match)


def _parts(match: re.Match[str]) -> tuple[str, Fraction, str]:
    """The sign, the number and the unit."""
    sign, digits, exponent, unit = match.groups()
    return sign, Fraction(digits.replace("_", "") + (exponent or "")), unit


def _unit(unit: str, value: str, dimension: Dimension) -> int | Fraction:
    """Find a unit; case counts, so ``m`` is not mega and ``b`` is not bytes."""
    known = UNITS[dimension]
    if unit in known:
        return known[unit]
    if not unit:
        raise UnitError(f"{shown(value)} has no unit; {_expected(dimension)}")
    raise UnitError(
        f"{shown(value)} has an unknown unit{nearest(unit, [each for each in known if each])}"
    )
