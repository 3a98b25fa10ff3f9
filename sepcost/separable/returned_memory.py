"""Memory of large arrays goes back to the system as soon as they are freed.

glibc raises the size above which it does so with every array freed, up to 32 MiB; below it, freed
memory stays with the process, in pieces that later arrays may not fit. Once that size is fixed, all
free memory at the end of the heap goes back at once as well, and loops over small arrays fetch it
again page by page, so some of it is kept.
"""

from __future__ import annotations

import ctypes
import sys

LARGE = 1 << 22  # bytes
KEPT = 1 << 25  # bytes at the end of the heap
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_... of glibc's malloc.h


def return_memory() -> bool:
    """Fix the sizes at ``LARGE`` and ``KEPT``; return whether the C library takes them."""
    if not sys.platform.startswith("linux"):
        return False
    setting = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    sizes = {_MMAP_THRESHOLD: LARGE, _TRIM_THRESHOLD: KEPT}
    return bool(setting and all(setting(*size) for size in sizes.items()))
