"""Verdicts in the terminal: exceeded budgets first, with the layers that caused them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sepcost.budget.results import Bound, Check, Status, Verdict
from sepcost.cost.words import plural
from sepcost.report.check import verdicts
from sepcost.report.drawing import Line, Part, compose, styled
from sepcost.report.text import shorten, terminal
from sepcost.report.view import View

COLOURS: Mapping[Status, str] = {
    Status.ERROR: "red", Status.FAIL: "red", Status.UNKNOWN: "yellow", Status.WARN: "yellow",
    Status.OK: "green",
}  # fmt: skip
WIDTH = 9  # of the first word of a line
LONGEST = 200


def render(check: Check, view: View) -> str:
    """A line per verdict that is not ok, one per model that is ok, and the counts."""
    return compose(_parts(check), view.screen)


def _parts(check: Check) -> Iterator[Part]:
    bad = [verdict for verdict in verdicts.ordered(check) if verdict.status is not Status.OK]
    for verdict in bad:
        yield from _verdict(verdict)
    fine = list(_fine(check, {verdict.model for verdict in bad}))
    yield from fine
    if bad or fine:
        yield "\n"
    yield styled(_safe(verdicts.headline(check)))


def _verdict(verdict: Verdict) -> Iterator[Line]:
    status, where = verdict.status, verdict.location
    word = "FAIL" if status is Status.FAIL else status.value
    colour = COLOURS[Status.FAIL if verdict.breaks else status]
    place = f"  {_safe(where.file)}:{where.line}" if where else ""
    sentence = f"{_safe(verdict.model)}  {_safe(verdicts.sentence(verdict))}"
    yield Line(((sentence, ""), (place, "dim")), (word.ljust(WIDTH), colour))
    for cause in verdicts.causes(verdict):
        yield Line(((_safe(cause), ""),), (" " * WIDTH, ""))


def _fine(check: Check, bad: set[str]) -> Iterator[Line]:
    for model in check.sources:
        own = [v for v in check.verdicts if v.model == model and v.status is Status.OK]
        if own and model not in bad:
            closest = _closest(own)
            close = f"; closest: {_safe(verdicts.sentence(closest))}" if closest else ""
            budgets = plural(len(own), "budget")
            head = (Status.OK.value.ljust(WIDTH), COLOURS[Status.OK])
            yield Line(((f"{_safe(model)}  {budgets}{close}", ""),), head)


def _closest(own: Sequence[Verdict]) -> Verdict | None:
    """The verdict nearest to its limit."""
    used = [v for v in own if v.actual is not None and v.limit and v.bound is Bound.MAX]
    return max(used, key=lambda v: (v.actual or 0) / (v.limit or 1), default=None)


def _safe(text: str) -> str:
    return terminal(shorten(text, LONGEST))
