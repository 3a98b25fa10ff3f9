"""Verdicts as annotations of GitHub Actions, on the lines of the budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.budget.results import Check, Status, Verdict
from sepcost.report.check import verdicts
from sepcost.report.text import shorten, terminal
from sepcost.report.view import View

#: GitHub shows this many annotations of a kind per step and silently drops the rest.
MOST = 10
LONGEST = 2000


def render(check: Check, view: View) -> str:
    """Workflow commands, errors first; if there are too many, the last says how many more."""
    found = [verdict for verdict in verdicts.ordered(check) if verdict.status is not Status.OK]
    lines = [
        *_kind("error", [verdict for verdict in found if verdict.breaks]),
        *_kind("warning", [verdict for verdict in found if not verdict.breaks]),
    ]
    return "".join(f"{line}\n" for line in lines)


def _kind(kind: str, found: Sequence[Verdict]) -> Iterator[str]:
    shown = found if len(found) <= MOST else found[: MOST - 1]
    for verdict in shown:
        yield _command(kind, verdict)
    if len(shown) < len(found):
        yield f"::{kind} title=sepcost::{len(found) - len(shown)} more in the job summary"


def _command(kind: str, verdict: Verdict) -> str:
    where = verdicts.place(verdict)
    name = shorten(verdict.model, 100)
    unjudged = verdict.status is Status.ERROR
    title = (
        f"sepcost: {name} was not judged" if unjudged else f"sepcost: {verdict.metric} of {name}"
    )
    message = data(shorten(verdicts.full(verdict), LONGEST))
    return f"::{kind} file={value(where.file)},line={where.line},title={value(title)}::{message}"


def data(text: str) -> str:
    """Escape a message: unprintable characters, then those that end a command."""
    return terminal(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """Escape the value of a property, which would end at ``:`` or ``,``."""
    return data(text).replace(":", "%3A").replace(",", "%2C")
