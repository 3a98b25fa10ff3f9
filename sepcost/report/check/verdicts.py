"""Verdicts in words and numbers, the same in every format. Nothing is escaped.

Two numbers that differ never look the same: digits are added until they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from math import isfinite

from sepcost.budget.results import Bound, Cause, Check, Level, Location, Status, Verdict
from sepcost.budget.units import Dimension
from sepcost.cost.words import plural

DIGITS = 4
MOST_DIGITS = 17
FORBID_OPS = "forbid-ops"

#: The worst first; verdicts that break the check come before those that do not.
ORDER = (Status.ERROR, Status.FAIL, Status.UNKNOWN, Status.WARN, Status.OK)

_SI = (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3))
_SCALES: Mapping[Dimension, Sequence[tuple[str, int | Fraction]]] = {
    Dimension.COUNT: _SI,
    Dimension.BYTES: tuple((f"{prefix}B", size) for prefix, size in _SI),
    Dimension.TIME: (("s", 10**9), ("ms", 10**6), ("µs", 10**3)),
    Dimension.SHARE: (("%", Fraction(1, 100)),),
}
_SMALLEST: Mapping[Dimension, str] = {
    Dimension.BYTES: "B", Dimension.TIME: "ns", Dimension.FACTOR: "×", Dimension.SHARE: "%",
}  # fmt: skip


def ordered(check: Check) -> tuple[Verdict, ...]:
    """The verdicts that break the check, then the rest from bad to good, each in their order."""
    return tuple(sorted(check.verdicts, key=lambda v: (not v.breaks, ORDER.index(v.status))))


def number(value: Fraction, dimension: Dimension, digits: int = DIGITS) -> str:
    """An amount with a fitting unit: ``612.3 M``, ``10 MB``, ``12 ms``, ``1.05×``."""
    for unit, size in _SCALES.get(dimension, ()):
        if abs(value) >= size or dimension is Dimension.SHARE:
            gap = "" if unit == "%" else " "
            return f"{_digits(value / size, digits)}{gap}{unit}"
    unit = _SMALLEST.get(dimension, "")
    gap = "" if unit in {"", "×", "%"} else " "
    return f"{_digits(value, digits)}{gap}{unit}"


def _digits(value: Fraction, digits: int) -> str:
    """``digits`` significant digits, no trailing zeros, no exponent unless the value is tiny."""
    if value and abs(value) < Fraction(1, 1000):
        return f"{float(value):.{digits}g}"
    whole = len(str(abs(int(value)))) if abs(value) >= 1 else 0
    places = max(0, digits - whole)
    scaled = round(value * 10**places)
    sign, (before, after) = "−" if scaled < 0 else "", divmod(abs(scaled), 10**places)
    decimals = str(after).rjust(places, "0").rstrip("0") if places else ""
    return f"{sign}{before}.{decimals}" if decimals else f"{sign}{before}"


def pair(actual: Fraction, limit: Fraction, dimension: Dimension) -> tuple[str, str]:
    """Both numbers with the fewest digits at which they differ."""
    for digits in range(DIGITS, MOST_DIGITS):
        shown = number(actual, dimension, digits), number(limit, dimension, digits)
        if shown[0] != shown[1] or actual == limit:
            return shown
    return str(actual), str(limit)


def actual(verdict: Verdict) -> str:
    """The value, with enough digits to differ from its limit; empty if there is none."""
    if verdict.actual is None:
        return ""
    if verdict.limit is None:
        text = number(verdict.actual, verdict.dimension)
    else:
        text = pair(verdict.actual, verdict.limit, verdict.dimension)[0]
    return f"at least {text}" if _is_least(verdict) else text


def _is_least(verdict: Verdict) -> bool:
    """Whether the value is only a lower bound: that exceeds its limit, or is not known to."""
    sums = verdict.dimension not in {Dimension.SHARE, Dimension.FACTOR}
    judged = verdict.limit is not None and verdict.interval is None
    return verdict.detail == "at least" or (verdict.status is Status.UNKNOWN and sums and judged)


def limit(verdict: Verdict) -> str:
    """The limit with its relation: ``≤ 600 M``; empty if there is none."""
    if verdict.limit is None:
        return ""
    if verdict.actual is None:
        text = number(verdict.limit, verdict.dimension)
    else:
        text = pair(verdict.actual, verdict.limit, verdict.dimension)[1]
    return f"{'≤' if verdict.bound is Bound.MAX else '≥'} {text}"


def excess(verdict: Verdict) -> str:
    """How far the value is above its limit (``+2.05%``) or below it (``−13%``)."""
    if verdict.actual is None or verdict.limit is None or verdict.actual == verdict.limit:
        return ""
    gap = verdict.actual - verdict.limit
    if verdict.dimension is Dimension.SHARE:  # a difference of percentages
        return _signed(f"{_digits(abs(gap) * 100, DIGITS)} points", gap)
    if not verdict.limit:
        return _signed(number(abs(gap), verdict.dimension), gap)
    return _signed(f"{_digits(abs(gap) / verdict.limit * 100, 3)}%", gap)


def _signed(text: str, gap: Fraction) -> str:
    return f"{'+' if gap > 0 else '−'}{text}"


def remark(verdict: Verdict) -> str:
    """The baseline, the interval, why the value is unknown."""
    parts = []
    if verdict.baseline is not None and verdict.interval is None:
        parts.append(f"baseline {number(verdict.baseline, verdict.dimension)}")
    if verdict.interval is not None and verdict.interval[0] != verdict.interval[1]:
        parts.append(f"95% interval {_interval(verdict)}")
    if verdict.detail not in {"", "at least"}:
        parts.append(verdict.detail)
    if verdict.status is Status.UNKNOWN and not verdict.breaks and verdict.level is Level.ERROR:
        parts.append("allowed by --allow-unknown")
    return "; ".join(parts)


def _interval(verdict: Verdict) -> str:
    assert verdict.interval is not None
    low, high = (
        number(Fraction(side), verdict.dimension) if isfinite(side) else "?"
        for side in verdict.interval
    )
    return f"{low} to {high}"


def causes(verdict: Verdict) -> Iterator[str]:
    """The layers that caused a verdict: ``conv_17 (Conv) +12.3 M, added``."""
    for cause in verdict.causes:
        yield _cause(cause, verdict.dimension)


def _cause(cause: Cause, dimension: Dimension) -> str:
    text = f"{cause.layer} ({cause.op_type})"
    if cause.amount is not None:
        sign = "+" if cause.change else ""
        if dimension is Dimension.FACTOR:  # a factor has no parts: the MACs that can be saved
            text += f" {sign}{number(cause.amount, Dimension.COUNT)} MACs"
        else:
            text += f" {sign}{number(cause.amount, dimension)}"
    return f"{text}, {cause.change}" if cause.change else text


def sentence(verdict: Verdict) -> str:
    """One line without the causes: ``macs 612.3 M, budget ≤ 600 M (+2.05%)``."""
    if verdict.metric == FORBID_OPS and verdict.actual is not None:
        count = int(verdict.actual)
        many = plural(count, "forbidden operator") if count else "no forbidden operators"
        return f"{many}, none allowed"
    text = f"{verdict.metric} {actual(verdict)}".rstrip()
    if verdict.limit is not None:
        text += f", budget {limit(verdict)}"
    if verdict.status in {Status.FAIL, Status.WARN} and (over := excess(verdict)):
        text += f" ({over})"
    return f"{text}: {more}" if (more := remark(verdict)) else text


def full(verdict: Verdict) -> str:
    """The sentence after its model, and the causes after the sentence."""
    named = "; ".join(causes(verdict))
    return f"{verdict.model}: {sentence(verdict)}" + (f" [{named}]" if named else "")


def headline(check: Check) -> str:
    """``5 models: 4 budgets exceeded, 1 unknown, 2 warnings, 30 met``."""
    counts = check.counts
    broken, unknown, warned = (counts[s] for s in (Status.FAIL, Status.UNKNOWN, Status.WARN))
    errors = counts[Status.ERROR]
    parts = [
        _many(errors, "error", "errors") if errors else "",
        _many(broken, "budget exceeded", "budgets exceeded") if broken else "",
        f"{unknown} unknown" if unknown else "",
        _many(warned, "warning", "warnings") if warned else "",
        f"{counts[Status.OK]} met",
    ]
    models = _many(len(check.sources), "model", "models")
    where = f"; measured on {check.host}" if check.host else ""
    return f"{models}: {', '.join(filter(None, parts))}{where}"


def _many(count: int, singular: str, plural: str) -> str:
    return f"{count} {singular if count == 1 else plural}"


def place(verdict: Verdict) -> Location:
    """The budget's line if it has one, else the model."""
    return verdict.location or Location(verdict.model)


def fingerprint(verdict: Verdict) -> str:
    """A fingerprint that is the same in every run, independent of the numbers."""
    key = "\0".join((verdict.model, verdict.metric, verdict.bound))
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
