"""Freed arrays leave the process at once."""

from __future__ import annotations

import resource
import sys

import numpy as np
import pytest

from sepcost.separable.returned_memory import LARGE, return_memory

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def held() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@linux
def test_memory_between_kept_arrays_is_returned() -> None:
    if not return_memory():
        pytest.skip("not glibc")
    before = held()
    arrays = [np.ones(2 * LARGE, np.uint8) for _ in range(16)]
    kept = arrays[1::2]
    del arrays
    assert held() - before < 12 * 2 * LARGE
    assert sum(one.nbytes for one in kept) == 8 * 2 * LARGE
