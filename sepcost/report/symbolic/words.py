"""Polynomials in words and columns. Nothing is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sepcost.cost.polynomial import Polynomial, Powers
from sepcost.cost.symbolic import Fitted, Symbolic
from sepcost.cost.words import plural
from sepcost.report.columns import Column
from sepcost.report.labels import operator, title
from sepcost.report.ranges.words import NAMES

if TYPE_CHECKING:
    from fractions import Fraction

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class PolynomialRow:
    """One cost or layer, as text."""

    name: str
    operator: str
    text: str


def spelled(polynomial: Polynomial, factor: int = 1) -> str:
    """``N·(3,456·H·W + 1,204,224)``: exact, with what all terms share in front."""
    terms = {powers: factor * value for powers, value in polynomial.terms.items()}
    if not terms:
        return "0"
    shared = tuple(map(min, zip(*terms, strict=True))) if polynomial.symbols else ()
    ordered = sorted(terms, key=lambda powers: (-sum(powers), [-power for power in powers]))
    parts = []
    for powers in ordered:
        left = tuple(power - common for power, common in zip(powers, shared, strict=True))
        size, letters = _number(abs(terms[powers])), _product(polynomial.symbols, left)
        body = "·".join(filter(None, (size if size != "1" or not letters else "", letters)))
        parts.append(("- " if terms[powers] < 0 else "+ ") + body)
    text = " ".join(parts).removeprefix("+ ")
    front = _product(polynomial.symbols, shared)
    if not front:
        return text
    if len(parts) > 1:
        return f"{front}·({text})"
    return front if text == "1" else f"{text}·{front}"


def _number(value: Fraction) -> str:
    whole = f"{value.numerator:,}"
    return whole if value.denominator == 1 else f"{whole}/{value.denominator:,}"


def _product(symbols: Sequence[str], powers: Powers) -> str:
    return "·".join(
        symbol + (str(power).translate(SUPERSCRIPTS) if power > 1 else "")
        for symbol, power in zip(symbols, powers, strict=True)
        if power
    )


def headline(found: Symbolic) -> str:
    """``net: cost as polynomials of N, H, W``."""
    least = "" if found.complete else " (at least)"
    return (
        f"{found.name}: cost{least} as polynomials of {', '.join(c.symbol for c in found.classes)}"
    )


def details(found: Symbolic) -> Iterator[str]:
    """For which sizes they are exact, and on what evidence."""
    classes = [
        f"{one.symbol} = {one.least}, {one.least + one.period}, {one.least + 2 * one.period}, …"
        for one in found.classes
    ]
    yield f"for {'; '.join(classes)}"
    most = ", ".join(f"{one.symbol}={one.most}" for one in found.classes)
    yield (
        f"fitted to the counts at {plural(found.fitted, 'size')} and confirmed at "
        f"{plural(found.verified, 'other')}, up to {most}"
    )
    if found.bindings:
        yield "bound: " + " ".join(f"{name}={size}" for name, size in found.bindings.items())


def totals(found: Symbolic, unit: str) -> list[PolynomialRow]:
    """One row per total that is a polynomial."""
    return [
        PolynomialRow(_named(name, unit), "", spelled(fitted.polynomial, _factor(name, unit)))
        for name, fitted in found.totals.items()
        if fitted.polynomial is not None
    ]


def layers(found: Symbolic, unit: str) -> list[PolynomialRow]:
    """One row per layer whose MACs are a polynomial, unless that is 0."""
    return [
        PolynomialRow(layer.name, operator(layer), spelled(macs, _factor("macs", unit)))
        for layer in found.layers
        if (macs := layer.costs["macs"].polynomial) is not None and macs.terms
    ]


def refusals(found: Symbolic, unit: str) -> list[str]:
    """Why totals and layers are no polynomials; layers that share a reason are counted."""
    lines = [
        f"{_named(name, unit)}: {fitted.reason}"
        for name, fitted in found.totals.items()
        if fitted.polynomial is None
    ]
    return lines + _reasons(found, counted=True)


def uncounted(found: Symbolic) -> list[str]:
    """Why the MACs of layers are not counted; layers that share a reason are counted."""
    return _reasons(found, counted=False)


def _reasons(found: Symbolic, counted: bool) -> list[str]:
    named: dict[tuple[str, str], list[str]] = {}
    for layer in found.layers:
        fitted: Fitted = layer.costs["macs"]
        if fitted.polynomial is None and fitted.counted is counted:
            named.setdefault((operator(layer), fitted.reason), []).append(layer.name)
    return [
        f"{len(names)} × {op}: {reason} ({names[0]}{', …' if len(names) > 1 else ''})"
        for (op, reason), names in named.items()
    ]


def _named(cost: str, unit: str) -> str:
    if cost in NAMES:
        shown, suffix = NAMES[cost]
        return f"{shown} ({suffix})" if suffix else shown
    return title(unit) if cost == "macs" else f"separable {title(unit)}"


def _factor(cost: str, unit: str) -> int:
    return 2 if unit == "flops" and cost in {"macs", "separable_macs"} else 1


def total_columns() -> tuple[Column[PolynomialRow], ...]:
    """The columns of the totals."""
    return (
        Column("total", lambda row: row.name, 0, False),
        Column("polynomial", lambda row: row.text, 0, False, True, "words"),
    )


def layer_columns(unit: str) -> tuple[Column[PolynomialRow], ...]:
    """The columns of the layers."""
    return (
        Column("layer", lambda row: row.name, 0, False, True, "name"),
        Column("op", lambda row: row.operator, 0, False, True),
        Column(title(unit), lambda row: row.text, 0, False, True, "words"),
    )
