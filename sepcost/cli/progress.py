"""A spinner on stderr for work that takes over a second, in a terminal only."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sepcost.report.text import shorten, terminal

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PATIENCE_S = 1.0
FRAME_S = 0.1
CLEAR = "\r\x1b[K"


@contextmanager
def progress(doing: str, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show a spinner and the current step, after a second, until the work is done.

    Yields a function that replaces the text.
    """
    texts = [doing]
    if quiet or not line_replaceable():
        yield texts.append
        return
    done = threading.Event()
    thread = threading.Thread(target=_spin, args=(texts, done), daemon=True)
    thread.start()
    try:
        yield texts.append
    finally:
        done.set()
        thread.join()


def line_replaceable() -> bool:
    """Whether stderr is a terminal that can clear a line."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def replace_line(text: str) -> None:
    """Replace the last line of the terminal, cut to its width."""
    width = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be cleared
    sys.stderr.write(CLEAR + (text if len(text) <= width else f"{text[: width - 1]}…"))
    sys.stderr.flush()


def clear_line() -> None:
    """Clear the last line of the terminal."""
    sys.stderr.write(CLEAR)
    sys.stderr.flush()


def _spin(texts: list[str], done: threading.Event) -> None:
    if done.wait(PATIENCE_S):
        return
    frame = 0
    while not done.wait(FRAME_S):
        doing = terminal(shorten(texts[-1], 60))
        sys.stderr.write(f"{CLEAR}{FRAMES[frame % len(FRAMES)]} {doing}")
        sys.stderr.flush()
        frame += 1
    clear_line()
