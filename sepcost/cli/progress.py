"""A spinner on stderr for work that takes over a second, at a terminal only."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sepcost.report.text import shorten, terminal

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PATIENCE_S = 1.0
FRAME_S = 0.1
CLEAR = "\r\x1b[K"


@contextmanager
def progress(doing: str, quiet: bool) -> Iterator[None]:
    """Show a spinner and the current step, after a second, until the work is done."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_spin, args=(terminal(shorten(doing, 60)), done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _spin(doing: str, done: threading.Event) -> None:
    if done.wait(PATIENCE_S):
        return
    frame = 0
    while not done.wait(FRAME_S):
        sys.stderr.write(f"{CLEAR}{FRAMES[frame % len(FRAMES)]} {doing}")
        sys.stderr.flush()
        frame += 1
    sys.stderr.write(CLEAR)
    sys.stderr.flush()
