"""The peak memory of one step, as the operating system reports it.

Linux can reset the peak of a running process (``clear_refs``), so that each step has its own.
Elsewhere the peak never falls, so a step below an earlier peak is not measured.
"""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def current() -> int | None:
    """Return the bytes that the process holds now; None if the platform does not report them."""
    return _status("VmRSS")


def reset() -> None:
    """Begin a new step, if the platform supports that."""
    try:
        RESET.write_text("5")
    except OSError:
        return


def peak() -> int | None:
    """Return the most bytes that the process has held since ``reset``."""
    return _status("VmHWM") or _lifetime_peak()


def _status(key: str) -> int | None:
    try:
        for line in STATUS.read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _lifetime_peak() -> int | None:
    try:
        from resource import RUSAGE_SELF, getrusage  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    kibibytes = 1 if sys.platform == "darwin" else 1024
    return getrusage(RUSAGE_SELF).ru_maxrss * kibibytes
