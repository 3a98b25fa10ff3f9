"""A measurement while it runs: one line on stderr with the estimate so far."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sepcost.cli.progress import CLEAR
from sepcost.latency.settings import OnProgress, Progress
from sepcost.report.bench import duration, plus_minus
from sepcost.report.text import shorten, terminal

NAME_LIMIT = 40


@contextmanager
def live(quiet: bool) -> Iterator[OnProgress | None]:
    """Show what goes on at a terminal, and clear the line in the end."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    try:
        yield _tell
    finally:
        sys.stderr.write(CLEAR)
        sys.stderr.flush()


def _tell(progress: Progress) -> None:
    sys.stderr.write(CLEAR + line(progress))
    sys.stderr.flush()


def line(progress: Progress) -> str:
    """What goes on, how far it is, and what it says so far."""
    model = terminal(shorten(progress.model, NAME_LIMIT))
    launch = f"launch {progress.launch + 1}"
    if progress.launch < progress.min_launches:
        launch += f" of {progress.min_launches}"
    parts = [f"{progress.doing} {model}", launch, f"{progress.elapsed_s:.0f} s"]
    if progress.ratios:
        parts.append(", ".join(f"{r.estimate:.3f}× {plus_minus(r)}" for r in progress.ratios[:3]))
    elif progress.latencies:
        first = progress.latencies[0]
        parts.append(f"{duration(first.estimate)} {plus_minus(first)}")
    return " · ".join(parts)
