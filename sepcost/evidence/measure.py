"""Measured metrics of one model, with its baseline in the same processes if there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sepcost.budget.metrics import OUTPUTS, VS_BASELINE
from sepcost.budget.results import Measured, Reading

if TYPE_CHECKING:
    from sepcost.latency.results import Bench, Comparison, Measurement
    from sepcost.latency.stats import Interval

#: Options of a configuration entry that fix shapes.
SIZING = ("bind", "shape", "alpha", "rho")


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Models to measure, and how. The baseline, if any, comes first."""

    sources: Sequence[str]
    metrics: frozenset[str]  # those with a budget
    options: Mapping[str, Any] = field(default_factory=dict)
    provider: str = "cpu"
    threads: int = 1
    host: str | None = None  # measure there; outputs are compared here


#: Measures; tests supply their own.
Measure = Callable[[MeasureRequest], Measured]


def measure(bench: Callable[..., Bench], request: MeasureRequest) -> Measured:
    """Run the models with ONNX Runtime.

    Parameters
    ----------
    bench
        ``sepcost.bench``.
    request
        Models to measure, and how.

    Raises
    ------
    MeasurementError
        If a model cannot be run or timed.
    """
    found: dict[str, Reading] = {}
    if request.metrics - OUTPUTS:
        found |= _timed(bench, request)
    if request.metrics & OUTPUTS and len(request.sources) > 1:
        from sepcost.evidence.outputs import compared  # noqa: PLC0415  (loads ONNX Runtime)

        found |= compared(request.sources, request.options)
    return found


def _timed(bench: Callable[..., Bench], request: MeasureRequest) -> Measured:
    from sepcost.latency.settings import Settings  # noqa: PLC0415  (not for exact metrics)

    sizes = {key: value for key, value in request.options.items() if key in SIZING}
    providers = dict.fromkeys(
        (request.provider, "cpu")
    )  # the CPU runs the nodes that the provider does not take
    settings = Settings(
        providers=tuple(providers),
        threads=request.threads,
        host=request.host,
        allow_fallback="nodes-on-provider" in request.metrics,  # and is then judged
    )
    return readings(bench(request.sources, settings=settings, **sizes), request.provider)


def readings(bench: Bench, provider: str) -> Measured:
    """The metrics of the last model in a measurement, compared with the first if it has two."""
    model = bench.models[-1]
    found = {"latency": _interval(model.latency), **_single(model, provider)}
    if bench.comparisons:
        found |= _against(bench.comparisons[-1], bench.models[0], model)
    return found


def _single(model: Measurement, provider: str) -> dict[str, Reading]:
    found = {"create-time": _exact(model.create_ns), "first-run": _exact(model.first_run_ns)}
    if model.memory is not None:
        found["peak-memory"] = _exact(model.memory.peak_bytes)
    nodes = {place.provider: place.nodes for place in model.placement}
    if total := sum(nodes.values()):
        found["nodes-on-provider"] = _exact(nodes.get(provider, 0) / total)
    return found


def _against(pair: Comparison, old: Measurement, new: Measurement) -> dict[str, Reading]:
    found = {f"latency{VS_BASELINE}": _interval(pair.ratio)}
    if old.memory and new.memory and old.memory.peak_bytes:
        ratio = new.memory.peak_bytes / old.memory.peak_bytes
        found[f"peak-memory{VS_BASELINE}"] = _exact(ratio)
    return found


def _interval(interval: Interval) -> Reading:
    return Reading(interval.estimate, interval.low, interval.high)


def _exact(value: float) -> Reading:
    return Reading(value, value, value)
