"""The parts of the benchmark: what each asks, how long it takes, what it needs. No package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One module of this folder; ``minutes`` are those of two cores of a shared server, roughly."""

    asks: str
    minutes: float
    quick_minutes: float
    needs: frozenset[str] = frozenset()


PEERS, HYPERFINE = "peers", "hyperfine"

PARTS: Mapping[str, Part] = {
    "exactness": Part("how many models each tool counts right", 5, 1, frozenset({PEERS})),
    "analyze": Part("analyze beside its peers: time and memory", 20, 1, frozenset({PEERS})),
    "convert": Part(
        "convert beside reading and writing the file, and beside plain SVDs", 15, 0.5
    ),
    "forms": Part("the emitted forms beside the naive one and theory", 30, 1),
    "bench": Part(
        "bench beside plain loops and hyperfine: false alarms, power, coverage",
        60, 3, frozenset({HYPERFINE}),
    ),
    "accuracy": Part(
        "accuracy against measured speed-up; each part of the method switched off", 60, 2
    ),
}  # fmt: skip
