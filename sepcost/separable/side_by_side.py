"""Layers side by side in threads on the free cores: most of their work is in BLAS."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sepcost.latency.machine import cores

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    run: Callable[[T], R], items: Sequence[T], most: int | None = None
) -> Generator[R, None, None]:
    """Yield the results in the order of the items; those not begun are dropped with the iterator.

    Parameters
    ----------
    run
        Its results must not depend on the order of its calls.
    items
        What it is called with.
    most
        Threads at most, for example by memory; default: one per free core.
    """
    threads = ThreadPoolExecutor(min(cores(), most or len(items) or 1))
    try:
        yield from threads.map(run, items)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
