"""Verdicts for the terminal: what broke first, and what did it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sepcost.budget.results import Bound, Check, Status, Verdict
from sepcost.report import verdicts
from sepcost.report.text import shorten, terminal

RED, YELLOW, GREEN, DIM, RESET = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
COLOURS: Mapping[str, str] = {
    "error": RED,
    "FAIL": RED,
    "unknown": YELLOW,
    "warn": YELLOW,
    "ok": GREEN,
}
INDENT = " " * 9
LONGEST = 200


def render(check: Check, colour: bool = False) -> str:
    """A line for each verdict that is not ok, one for each model that is, and the sum."""
    bad = [verdict for verdict in verdicts.ordered(check) if verdict.status is not Status.OK]
    lines = [line for verdict in bad for line in _verdict(verdict, colour)]
    lines += _fine(check, {verdict.model for verdict in bad}, colour)
    if lines:
        lines.append("")
    return "\n".join([*lines, verdicts.headline(check)]) + "\n"


def _verdict(verdict: Verdict, colour: bool) -> Iterator[str]:
    where = verdict.location
    place = f"  {_safe(where.file)}:{where.line}" if where else ""
    yield f"{_tag(verdict, colour)}{_safe(verdict.model)}  {_safe(verdicts.sentence(verdict))}" + (
        _painted(place, DIM, colour)
    )
    for cause in verdicts.causes(verdict):
        yield f"{INDENT}{_safe(cause)}"


def _tag(verdict: Verdict, colour: bool) -> str:
    word = "FAIL" if verdict.status is Status.FAIL else verdict.status.value
    painted = RED if verdict.breaks else COLOURS[word]
    return _painted(word.ljust(len(INDENT)), painted, colour)


def _fine(check: Check, bad: set[str], colour: bool) -> Iterator[str]:
    for model in check.sources:
        own = [v for v in check.verdicts if v.model == model and v.status is Status.OK]
        if not own or model in bad:
            continue
        closest = (
            f"; closest: {_safe(verdicts.sentence(found))}" if (found := _closest(own)) else ""
        )
        many = f"{len(own)} budgets" if len(own) > 1 else "1 budget"
        yield f"{_painted('ok'.ljust(len(INDENT)), GREEN, colour)}{_safe(model)}  {many}{closest}"


def _closest(own: Sequence[Verdict]) -> Verdict | None:
    """The budget that is used up most."""
    used = [v for v in own if v.actual is not None and v.limit and v.bound is Bound.MAX]
    return max(used, key=lambda v: (v.actual or 0) / (v.limit or 1), default=None)


def _painted(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{RESET}" if colour and text else text


def _safe(text: str) -> str:
    return terminal(shorten(text, LONGEST))
