"""A running conversion on stderr: one line with the current step, or plain lines off a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from sepcost.cli.progress import CLEAR
from sepcost.report.text import shorten, terminal

WIDTH = 70
EVERY_S = 10.0  # off a terminal: between two lines, and before the first


@contextmanager
def live(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the current step; at a terminal the line is replaced, and cleared at the end."""
    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield plain()
    else:
        try:
            yield _replacing()
        finally:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()


def plain(clock: Callable[[], float] = monotonic) -> Callable[[str], None]:
    """Print steps as lines, at most one in ten seconds and none in the first ten.

    Parameters
    ----------
    clock
        Seconds since any moment.
    """
    started = last = clock()

    def tell(doing: str) -> None:
        nonlocal last
        now = clock()
        if now - last >= EVERY_S:
            last = now
            sys.stderr.write(f"{terminal(shorten(doing, WIDTH))} · {now - started:.0f} s\n")
            sys.stderr.flush()

    return tell


def _replacing() -> Callable[[str], None]:
    started = monotonic()

    def tell(doing: str) -> None:
        shown = terminal(shorten(doing, WIDTH))
        sys.stderr.write(f"{CLEAR}{shown} · {monotonic() - started:.0f} s")
        sys.stderr.flush()

    return tell
