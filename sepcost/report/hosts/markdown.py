"""Models on several machines in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.latency.results import Bench
from sepcost.report import text
from sepcost.report.hosts.words import all_notes, columns, machines, rows, verdicts
from sepcost.report.markdown import bullets, name, table
from sepcost.report.view import View


def render(benches: Sequence[Bench], view: View) -> str:
    """The verdicts, one table, the machines and the notes."""
    parts = [
        bullets([f"**{line}**" for line in verdicts(benches, name, text.markdown)]),
        table(columns(benches, text.markdown), rows(benches)),
        bullets(list(machines(benches, text.markdown))),
        bullets([text.markdown(line) for line in all_notes(benches)]),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"
