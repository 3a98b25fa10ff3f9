"""Ctrl-C asks a conversion to stop with the best plan found so far; the second one quits."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from sepcost.cli.guard import say
from sepcost.cli.progress import CLEAR
from sepcost.errors import TimeUpError

ASKED = "sepcost: stopping with the best plan found so far; Ctrl-C again quits at once"
TOO_EARLY = "sepcost: stopped before there was a plan; nothing was written"


@contextlib.contextmanager
def on_request(quiet: bool) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether the user asked to stop.

    Raises
    ------
    KeyboardInterrupt
        At the second Ctrl-C, or if there is no plan yet.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: FrameType | None) -> None:
        if asked.is_set() and callable(before):
            before(number, frame)
            return
        asked.set()
        if not quiet:
            _say_at_once(ASKED)

    handles = threading.current_thread() is threading.main_thread() and callable(before)
    if handles:  # else it is ignored, as under nohup
        signal.signal(signal.SIGINT, interrupted)
    try:
        yield asked.is_set
    except TimeUpError as error:
        if not asked.is_set():
            raise
        if not quiet:
            say(TOO_EARLY)
        raise KeyboardInterrupt from error
    finally:
        if handles:
            signal.signal(signal.SIGINT, before)


def _say_at_once(line: str) -> None:
    """Write past Python's buffer, which the interrupted code may be writing to."""
    start = CLEAR if sys.stderr.isatty() else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{start}{line}\n".encode())
