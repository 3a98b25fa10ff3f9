"""A polite kill ends a command like Ctrl-C does: children gone, temporary files removed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Kill, and the terminal that closes; Ctrl-C raises by itself. Windows has no SIGHUP.
POLITE = tuple(
    found for name in ("SIGTERM", "SIGHUP") if (found := getattr(signal, name, None)) is not None
)


@contextmanager
def orderly() -> Iterator[None]:
    """Unwind on SIGTERM and SIGHUP instead of dying at once; the exit code says which it was.

    What somebody else handles or ignores, as nohup does, stays as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    free = [number for number in POLITE if signal.getsignal(number) is signal.SIG_DFL]
    for number in free:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in free:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
