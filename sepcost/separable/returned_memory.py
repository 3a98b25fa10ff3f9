"""Memory of large arrays goes back to the system as soon as they are freed.

glibc raises the size above which it does so with every array freed, up to 32 MiB; below it, freed
memory stays with the process, in pieces that later arrays may not fit.
"""

from __future__ import annotations

import ctypes
import sys

LARGE = 1 << 22  # bytes
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h


def return_memory() -> bool:
    """Fix the size at ``LARGE``; return whether the C library takes it."""
    if not sys.platform.startswith("linux"):
        return False
    setting = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return bool(setting and setting(_MMAP_THRESHOLD, LARGE))
