"""The parts of the benchmark with their times and needs. Imports only the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One module of this folder; ``minutes`` are rough, for two cores of a shared server."""

    title: str
    minutes: float
    quick_minutes: float
    needs: frozenset[str] = frozenset()


PEERS, HYPERFINE = "peers", "hyperfine"

PARTS: Mapping[str, Benchmark] = {
    "exactness": Benchmark("how many models each tool counts exactly", 5, 1, frozenset({PEERS})),
    "analyze": Benchmark("time and memory of analyze against its peers", 20, 1, frozenset({PEERS})),
    "convert": Benchmark(
        "convert against reading and writing the file; factorize against plain SVDs", 15, 0.5
    ),
    "effort": Benchmark("convert against an earlier commit: time, memory, loss", 90, 4),
    "forms": Benchmark("speed of the emitted forms against MACs and the naive form", 30, 1),
    "bench": Benchmark(
        "bench against plain loops and hyperfine: false alarms, power, coverage",
        60, 3, frozenset({HYPERFINE}),
    ),
    "accuracy": Benchmark(
        "accuracy at a measured speed-up, also with parts of the method switched off", 60, 2
    ),
    "jobs": Benchmark("what becomes of the jobs of real models on unseen data", 25, 2),
}  # fmt: skip
