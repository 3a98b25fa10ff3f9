"""Verdicts in Markdown, for a pull request or the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sepcost.budget.results import Check, Status, Verdict
from sepcost.cost.words import plural
from sepcost.report.check import verdicts
from sepcost.report.text import code, markdown, shorten
from sepcost.report.view import View

MARKS: Mapping[Status, str] = {
    Status.ERROR: "❌ error",
    Status.FAIL: "❌ fail", Status.UNKNOWN: "❔ unknown", Status.WARN: "⚠️ warn", Status.OK: "✅ ok",
}  # fmt: skip
HEAD = ("| | model | metric | actual | budget | difference | why |", "|-|-|-|-:|-:|-:|-|")
LONGEST = 200


def render(check: Check, view: View) -> str:
    """A heading, a table of the verdicts that are not ok, and the rest folded away.

    If ``view`` limits the length, rows are left out at the end.
    """
    rows = verdicts.ordered(check)
    for left_out in _steps(len(rows)):
        text = _text(check, rows[: len(rows) - left_out], left_out)
        if view.most_bytes is None or len(text.encode()) <= view.most_bytes:
            return text
    return ""


def _steps(rows: int) -> Iterator[int]:
    """How many rows to leave out: none, then more and more, then all."""
    left_out = 0
    while left_out < rows:
        yield left_out
        left_out = left_out * 2 or 1
    yield rows


def _text(check: Check, shown: Sequence[Verdict], left_out: int) -> str:
    mark = "✅" if check.status is Status.OK else "⚠️" if check.ok else "❌"
    lines = [f"### {mark} sepcost check: {verdicts.headline(check)}", ""]
    bad = [verdict for verdict in shown if verdict.status is not Status.OK]
    fine = [verdict for verdict in shown if verdict.status is Status.OK]
    if bad:
        lines += [*HEAD, *map(_row, bad), ""]
    if fine:
        lines += [f"<details><summary>{len(fine)} ok</summary>", "", *HEAD, *map(_row, fine), ""]
        lines += ["</details>", ""]
    if left_out:
        lines += [f"… {plural(left_out, 'more verdict')} left out to limit the length.", ""]
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    cells = (
        MARKS[verdict.status],
        code(shorten(verdict.model, LONGEST)),
        code(verdict.metric),
        verdicts.actual(verdict),
        verdicts.limit(verdict),
        verdicts.excess(verdict),
        _why(verdict),
    )
    return f"| {' | '.join(cells)} |"


def _why(verdict: Verdict) -> str:
    parts = [verdicts.remark(verdict), *verdicts.causes(verdict)]
    return "<br>".join(markdown(shorten(part, LONGEST)) for part in parts if part)
