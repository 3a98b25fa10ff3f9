"""Verdicts for a pull request or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sepcost.budget.results import Check, Status, Verdict
from sepcost.report import verdicts
from sepcost.report.text import code, markdown, shorten

MARKS: Mapping[Status, str] = {
    Status.ERROR: "❌ error",
    Status.FAIL: "❌ fail", Status.UNKNOWN: "❔ unknown", Status.WARN: "⚠️ warn", Status.OK: "✅ ok",
}  # fmt: skip
HEAD = ("| | model | metric | actual | budget | by | why |", "|-|-|-|-:|-:|-:|-|")
LONGEST = 200


def render(check: Check, most_bytes: int | None = None) -> str:
    """A heading, a table of what is not ok, and the rest folded away.

    Parameters
    ----------
    check
        What was found.
    most_bytes
        Leave rows out at the end, and say how many, so that the text is no longer than this.
    """
    found = verdicts.ordered(check)
    for left_out in _steps(len(found)):
        text = _text(check, found[: len(found) - left_out], left_out)
        if most_bytes is None or len(text.encode()) <= most_bytes:
            return text
    return ""


def _steps(rows: int) -> Iterator[int]:
    """Nothing left out first, then more and more, then all."""
    left_out = 0
    while left_out < rows:
        yield left_out
        left_out = left_out * 2 or 1
    yield rows


def _text(check: Check, found: Sequence[Verdict], left_out: int) -> str:
    mark = "✅" if check.status is Status.OK else "⚠️" if check.ok else "❌"
    lines = [f"### {mark} sepcost check: {verdicts.headline(check)}", ""]
    bad = [verdict for verdict in found if verdict.status is not Status.OK]
    fine = [verdict for verdict in found if verdict.status is Status.OK]
    if bad:
        lines += [*HEAD, *map(_row, bad), ""]
    if fine:
        lines += [f"<details><summary>{len(fine)} ok</summary>", "", *HEAD, *map(_row, fine), ""]
        lines += ["</details>", ""]
    if left_out:
        lines += [f"… {left_out} more verdicts, left out for length.", ""]
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
