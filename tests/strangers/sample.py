"""Which strangers CI tries: the quick ones, told by the kept table and so everywhere the same.

Of networks those that take few MACs, also at full rank; of ONNX's cases of operators one in four,
in order. ``python -m tests.strangers`` tries them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.strangers.outcome import Outcome

MOST_MACS = 30_000_000  # of a whole network, and of the exact and dearer one at full rank
EACH = 4


def sample(collection: str, rows: Iterable[Outcome]) -> list[str]:
    """Name the models of a table that CI tries."""
    if collection == "node":
        return [row.model for row in list(rows)[::EACH]]
    return [row.model for row in rows if _macs(row) <= MOST_MACS]


def _macs(row: Outcome) -> int:
    full = row.full.split(": ")[-1].split(",")[0]
    return max((int(text) for text in (row.macs, full) if text.isdecimal()), default=0)


def dealt(names: Sequence[str], parts: int) -> list[list[str]]:
    """Deal names out to so many parts; dear ones often stand together."""
    return [list(names[start::parts]) for start in range(parts)]
