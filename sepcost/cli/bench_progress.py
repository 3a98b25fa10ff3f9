"""A running measurement: one line on stderr with the estimate so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sepcost.cli.progress import clear_line, line_replaceable, replace_line
from sepcost.latency.settings import OnProgress, Progress
from sepcost.report.bench.words import factor, plus_minus
from sepcost.report.text import shorten, terminal
from sepcost.report.units import duration

NAME_LIMIT = 40


@contextmanager
def live(quiet: bool) -> Iterator[OnProgress | None]:
    """Show the current step in a terminal, and clear the line at the end."""
    if quiet or not line_replaceable():
        yield None
        return
    try:
        yield lambda progress: replace_line(line(progress))
    finally:
        clear_line()


def line(progress: Progress) -> str:
    """The current step, the process, and the estimate so far."""
    model = terminal(shorten(progress.model, NAME_LIMIT))
    parts = [f"{progress.doing} {model}"] if model else []
    if progress.launch < progress.min_launches:
        parts.append(f"process {progress.launch + 1} of {progress.min_launches}")
    elif progress.launch:
        parts.append(f"process {progress.launch + 1}")
    parts.append(f"{progress.elapsed_s:.0f} s")
    if progress.ratios:
        parts.append(", ".join(f"{factor(r.estimate)}× {plus_minus(r)}" for r in progress.ratios))
    elif progress.latencies:
        first = progress.latencies[0]
        parts.append(f"{duration(first.estimate)} {plus_minus(first)}".rstrip())
    return " · ".join(parts)
