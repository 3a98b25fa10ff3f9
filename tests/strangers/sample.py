"""The models that CI tries: the quick ones, chosen by the kept table and so the same everywhere.

Networks with few MACs, also at full rank; of ONNX's operator cases every fourth,
in order. ``python -m tests.strangers`` tries them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.strangers.outcome import Outcome

MOST_MACS = 30_000_000  # for the network, and for its exact and more expensive form at full rank
EACH = 4


def sample(collection: str, rows: Iterable[Outcome]) -> list[str]:
    """Return the names of the models in a table that CI tries."""
    if collection == "node":
        return [row.model for row in list(rows)[::EACH]]
    return [row.model for row in rows if _macs(row) <= MOST_MACS]


def _macs(row: Outcome) -> int:
    full = row.full.split(": ")[-1].split(",")[0]
    return max((int(text) for text in (row.macs, full) if text.isdecimal()), default=0)


def dealt(names: Sequence[str], parts: int) -> list[list[str]]:
    """Distribute names over parts; neighbours often take equally long."""
    return [list(names[start::parts]) for start in range(parts)]
