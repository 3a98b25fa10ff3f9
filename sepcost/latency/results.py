"""Frozen results of a measurement, which all reports read. Times are in ns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import ceil, isfinite

from sepcost.latency.stats import Interval, Outcome, Samples, Statistic, bound


@dataclass(frozen=True, slots=True)
class Memory:
    """Peaks of one session above its process's earlier memory, reported by the system."""

    create_bytes: int
    run_bytes: int

    @property
    def peak_bytes(self) -> int:
        """The higher of the two."""
        return max(self.create_bytes, self.run_bytes)


@dataclass(frozen=True, slots=True)
class ArenaUse:
    """The memory that runs take from ONNX Runtime's arena on the CPU: activations and scratch."""

    used_bytes: int  # at the peak, after the first run
    held_bytes: int  # taken from the system: the arena grows in large steps and never shrinks
    placed_bytes: int | None = None  # one arena for all activations, as ``analyze --memory`` plans

    def to_dict(self) -> dict[str, object]:
        """Return the arena's entry of the bench document."""
        return {"used": self.used_bytes, "held": self.held_bytes, "placed": self.placed_bytes}


@dataclass(frozen=True, slots=True)
class Placement:
    """The nodes that one provider runs, as ONNX Runtime assigned them before fusion."""

    provider: str  # short name
    nodes: int
    layers: tuple[str, ...] = ()  # ids; empty if one provider runs all nodes
    share: float | None = None  # of the MACs, if counted


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """Difference of one output from the CPU provider's on the same input."""

    output: str
    relative_error: float | None  # max |a - b| / max |b|; None if not finite


@dataclass(frozen=True, slots=True)
class LayerTime:
    """One kernel: the original nodes that it runs, and its share of the latency."""

    nodes: tuple[str, ...]  # layer ids; empty for a kernel that only moves data
    kernel: str  # "Conv", "FusedConv", "ReorderInput", ...; "" for nodes optimised away
    provider: str
    scope: str  # path of its subgraph
    time_ns: float
    share: float  # of the unprofiled latency; all shares sum to 1
    name: str = ""  # of its most expensive node, as in the model
    macs: int | None = None  # of its nodes, if counted
    bytes_moved: int | None = None
    bound: str | None = None  # "compute" or "memory", by the machine's peaks
    fraction: float | None = None  # of that bound; 1 is the best this machine can do

    @property
    def macs_per_second(self) -> float | None:
        """The achieved rate."""
        return None if not self.macs or self.time_ns <= 0 else self.macs / self.time_ns * 1e9


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measurement of one model."""

    name: str
    latency: Interval
    statistics: tuple[Statistic, ...]  # those used for launches, most frequent first
    percentiles: Mapping[float, float]  # of all runs, disturbed ones included
    runs: int
    undisturbed: float | None  # share of the runs; None if the platform does not report it
    create_ns: int
    first_run_ns: int
    memory: Memory | None
    placement: tuple[Placement, ...]
    differences: tuple[OutputDifference, ...]
    samples: tuple[Samples, ...]  # one entry per launch
    layers: tuple[LayerTime, ...] = ()
    warnings: tuple[str, ...] = ()
    arena: ArenaUse | None = None  # if layers were timed on the CPU alone
    providers: tuple[str, ...] = ()  # those asked for

    @property
    def launches(self) -> int:
        """The number of child processes that were measured."""
        return len(self.samples)

    def to_dict(self) -> dict[str, object]:
        """Return this model's entry of the bench document."""
        return {
            "name": self.name,
            "providers": list(self.providers),
            "latency_ns": bounds(self.latency),
            "statistic": str(self.statistics[0]),
            "statistics": [str(s) for s in self.statistics],
            "percentiles_ns": {f"{p:g}": round(ns) for p, ns in self.percentiles.items()},
            "runs": self.runs,
            "launches": self.launches,
            "undisturbed": self.undisturbed,
            "create_ns": self.create_ns,
            "first_run_ns": self.first_run_ns,
            "peak_memory_bytes": self.memory.peak_bytes if self.memory else None,
            "memory_bytes": {"create": self.memory.create_bytes, "run": self.memory.run_bytes}
            if self.memory
            else None,
            "arena_bytes": self.arena.to_dict() if self.arena else None,
            "placement": [asdict(part) | {"layers": list(part.layers)} for part in self.placement],
            "differences": [asdict(d) for d in self.differences],
            "layers": [
                asdict(row) | {"nodes": list(row.nodes), "macs_per_second": row.macs_per_second}
                for row in self.layers
            ],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Model ``b`` against model ``a``: the ratio is b / a, below 1 if b is faster."""

    a: str
    b: str
    ratio: Interval
    verdict: Outcome
    smallest_change: float  # a change that this measurement would detect four times in five
    statistics: tuple[Statistic, ...]
    advice: str | None = None  # a remedy, if the verdict is inconclusive

    @property
    def words(self) -> str:
        """The verdict in words; percentages are rounded up to a tenth."""
        if self.verdict is Outcome.SAME:
            return f"same within {ceil(bound(self.ratio) * 1000) / 10:g}%"
        return str(self.verdict)

    def to_dict(self) -> dict[str, object]:
        """Return this pair's entry of the bench document."""
        return {
            "a": self.a,
            "b": self.b,
            "ratio": bounds(self.ratio),
            "verdict": self.words,
            "smallest_change": self.smallest_change if isfinite(self.smallest_change) else None,
            "statistics": [str(s) for s in self.statistics],
            "advice": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Peaks:
    """The machine's peaks through ONNX Runtime: compute and bandwidth of the roofline."""

    macs_per_second: float
    bytes_per_second: float
    int8_macs_per_second: float | None = None  # of a quantised product, if the provider runs it


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine of a measurement."""

    name: str
    system: str
    cpu: str
    cores: int
    load: float | None  # mean number of runnable processes in the minute before
    governor: str | None
    turbo: bool | None
    onnxruntime: str | None = None  # its version
    peaks: Peaks | None = None
    host: str | None = None  # the ssh destination, if it is another machine
    temperature: float | None = None  # of the CPU in °C, before

    def to_dict(self) -> dict[str, object]:
        """Return the machine's entry of the bench document."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bench:
    """All results of one call of ``bench``."""

    machine: Machine
    providers: tuple[str, ...]
    threads: int
    models: tuple[Measurement, ...]
    comparisons: tuple[Comparison, ...]
    precision: float  # half-width of the widest interval
    elapsed_s: float
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    sources: tuple[str, ...] = ()  # as the user named them

    def to_dict(self) -> dict[str, object]:
        """Return the bench document without the header that all documents share."""
        return {
            "machine": self.machine.to_dict(),
            "provider": self.providers[0],
            "providers": list(self.providers),
            "threads": self.threads,
            "settings": dict(self.settings),
            "precision": self.precision if isfinite(self.precision) else None,
            "elapsed_ns": round(self.elapsed_s * 1e9),
            "models": [m.to_dict() for m in self.models],
            "comparisons": [c.to_dict() for c in self.comparisons],
            "warnings": list(self.warnings),
        }


def bounds(interval: Interval) -> dict[str, float | None]:
    """Return an interval as in the documents; unknown bounds are null."""
    known = isfinite(interval.high)
    return {
        "estimate": interval.estimate,
        "low": interval.low if known else None,
        "high": interval.high if known else None,
    }
