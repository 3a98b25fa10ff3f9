"""A running conversion: one line on stderr with the current step."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from sepcost.cli.progress import CLEAR
from sepcost.report.text import shorten, terminal

WIDTH = 70


@contextmanager
def live(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the current step at a terminal, and clear the line at the end."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    started = monotonic()

    def tell(doing: str) -> None:
        shown = terminal(shorten(doing, WIDTH))
        sys.stderr.write(f"{CLEAR}{shown} · {monotonic() - started:.0f} s")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write(CLEAR)
        sys.stderr.flush()
