"""Verdicts as a page: every budget, how much of it is used, and what broke it."""

from __future__ import annotations

from sepcost.budget.results import Bound, Check, Status, Verdict
from sepcost.report.check import verdicts
from sepcost.report.html import charts
from sepcost.report.html.page import render as render_page
from sepcost.report.html.parts import Col, Page, PagePart, Section, Tile, listing, table
from sepcost.report.view import View

USED = "Each value as a share of its limit; to the right of the line, the budget is exceeded."


def render(check: Check, view: View) -> str:
    """One part: the worst first."""
    lead = verdicts.headline(check)
    facts = (f"budgets from {check.config}",) if check.config else ()
    part = PagePart(
        "check", "Budgets", lead, facts, tuple(tiles(check)),
        (
            *_used(check),
            *_broken(check),
            *_all(check),
            *listing("check-notes", "Notes", check.notes),
        ),
    )  # fmt: skip
    title = "Within budget" if check.ok else "Over budget"
    return render_page(Page(title, lead, (part,), "check"))


def tiles(check: Check) -> list[Tile]:
    """The number of verdicts of each kind."""
    tones = {Status.ERROR: "bad", Status.FAIL: "bad", Status.UNKNOWN: "bad", Status.OK: "good"}
    names = {Status.OK: "Ok", Status.WARN: "Warnings", Status.FAIL: "Broken",
             Status.UNKNOWN: "Unknown", Status.ERROR: "Errors"}  # fmt: skip
    return [
        Tile(names[status], str(count), "", count, tones.get(status, "") if count else "")
        for status, count in check.counts.items()
    ]


def _used(check: Check) -> tuple[Section, ...]:
    rows = [
        (f"{v.model}: {v.metric}", float(v.actual / v.limit), v.status.value)
        for v in verdicts.ordered(check)
        if v.bound is Bound.MAX
        and v.actual is not None
        and v.limit is not None
        and v.limit > 0
        and v.actual >= 0
    ]
    return charts.shares("check-used", "Use of each budget", rows, [USED])


def _broken(check: Check) -> tuple[Section, ...]:
    lines = [verdicts.full(v) for v in verdicts.ordered(check) if v.breaks]
    return listing("check-broken", "Exceeded budgets", lines)


def _all(check: Check) -> tuple[Section, ...]:
    columns: tuple[Col[Verdict], ...] = (
        Col("status", "status", lambda v: v.status.value, group=True),
        Col("model", "code", lambda v: v.model, group=True),
        Col("metric", "text", lambda v: v.metric, group=True),
        Col("actual", "exact", verdicts.actual),
        Col("limit", "exact", verdicts.limit),
        Col("excess", "exact", verdicts.excess),
        Col("remark", "text", verdicts.remark),
        Col("layers", "code", lambda v: "; ".join(verdicts.causes(v))),
        Col("set in", "code", _where),
    )
    return table("check-verdicts", "Budgets", columns, verdicts.ordered(check))


def _where(verdict: Verdict) -> str:
    where = verdict.location
    return f"{where.file}:{where.line}" if where else ""
