"""The profile of a model in ONNX Runtime: the time of each kernel, without onnx.

Profiling slows every kernel down (by 7 to 11 us), so it gets a separate session and only its
proportions are used: they are applied to the latency measured without it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from sepcost.latency.jobs import ModelFile, Runtime
from sepcost.latency.providers import short_name
from sepcost.latency.results import ArenaUse
from sepcost.latency.stats import QUARTILE, percentile

if TYPE_CHECKING:
    from sepcost.latency.inputs import Array
    from sepcost.latency.runtime import Session

SECONDS = 0.5
FEWEST, MOST = 5, 200  # runs
MAX_EVENTS = 500_000  # ONNX Runtime drops events beyond a million
SUFFIX = "_kernel_time"
OPTIMISED = "optimised.onnx"
USED, HELD = "mem_in_use_peak", "mem_arena_held"  # since the session began, in bytes
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Timed:
    """One kernel in the profile."""

    op_type: str
    provider: str
    time_ns: float  # without the kernels of its subgraphs


def most_runs(nodes: int) -> int:
    """How often a model of so many nodes may run before its profile overflows."""
    return max(FEWEST, min(MOST, MAX_EVENTS // nodes))


def profile(
    model: ModelFile,
    asked: Runtime,
    feeds: Mapping[str, Array],
    folder: Path,
    most: int,
    beat: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Time the kernels of a model.

    Parameters
    ----------
    model, asked, feeds
        The model, the session settings and the inputs.
    folder
        Folder for the optimised graph and the profile; the caller removes it.
    most
        The largest number of runs.
    beat
        Called after each run.

    Returns
    -------
    dict
        The time of each kernel, the optimised graph in base64 (None if the provider cannot write
        it), the placement, and what the runs took from the arena (None if a part ran elsewhere than
        on the CPU, or if this version of ONNX Runtime does not tell).
    """
    from sepcost.latency import runtime  # noqa: PLC0415 - the parent reads ``Timed`` without it

    made, optimised = _session(model.path.read_bytes(), asked, folder)
    run = runtime.runner(made, feeds, model)
    started, runs = monotonic(), 0
    while runs < FEWEST or (monotonic() - started < SECONDS and runs < most):
        run()
        beat()
        runs += 1
    events = json.loads(Path(made.end_profiling()).read_text(encoding="utf-8"))
    arena = arena_use(events) if asked.cpu_only else None
    return {
        "times": {name: astuple(timed) for name, timed in kernel_times(events).items()},
        "arena": arena and asdict(arena),
        "optimised": b64encode(optimised).decode() if optimised is not None else None,
        "placement": runtime.placement(made),
    }


def _session(source: bytes, asked: Runtime, folder: Path) -> tuple[Session, bytes | None]:
    """Make a profiling session; return it with the optimised graph if the provider can write it.

    Providers that compile subgraphs (OpenVINO, TensorRT) cannot write the graph.
    """
    from sepcost.latency import runtime  # noqa: PLC0415

    graph = folder / OPTIMISED
    try:
        made = runtime.session(source, asked, partial(runtime.profiled, folder, graph))
    except Exception:
        if asked.cpu_only:
            raise
        return runtime.session(source, asked, partial(runtime.profiled, folder, None)), None
    return made, graph.read_bytes()


def arena_use(events: Iterable[Event]) -> ArenaUse | None:
    """Read the arena's peaks from a profile; None if it has none, as those of older versions."""
    kept = [event["args"] for event in events if USED in event.get("args", {})]
    if not kept:
        return None
    return ArenaUse(*(max(int(args[key]) for args in kept) for key in (USED, HELD)))


def kernel_times(events: Iterable[Event]) -> dict[str, Timed]:
    """Read a profile: the first quartile of each kernel's time over the runs.

    On a busy machine most runs of a long model are disturbed somewhere, but most runs of each
    kernel are not. The first run allocates memory and is skipped. The kernel of a control-flow
    node spans those of its subgraphs; their time is subtracted.
    """
    spans = list(events)
    runs = sorted((e["ts"], e["ts"] + e["dur"]) for e in spans if e["name"] == "model_run")
    nodes = [e for e in spans if e.get("cat") == "Node" and e["name"].endswith(SUFFIX)]
    nodes.sort(key=lambda e: (e["ts"], -e["dur"]))
    seen: list[dict[str, float]] = []
    for begin, end in runs[1:] or runs:
        first = bisect_left(nodes, begin, key=lambda e: e["ts"])
        last = bisect_right(nodes, end, key=lambda e: e["ts"])
        times: dict[str, float] = defaultdict(float)
        for event, own in _exclusive(nodes[first:last]):
            times[event["name"].removesuffix(SUFFIX)] += own * 1000
        seen.append(times)
    kinds: dict[str, tuple[str, str]] = {}
    for event in nodes:
        args = event["args"]
        kinds[event["name"].removesuffix(SUFFIX)] = (args["op_name"], args.get("provider", ""))
    return {
        name: Timed(
            op_type,
            short_name(provider),
            percentile([times.get(name, 0.0) for times in seen], QUARTILE) if seen else 0.0,
        )
        for name, (op_type, provider) in kinds.items()
    }


def _exclusive(events: Iterable[Event]) -> list[tuple[Event, float]]:
    """The time of each event without that of the events inside it."""
    own: list[float] = []
    done: list[Event] = []
    around: list[int] = []
    for event in events:
        while around and event["ts"] >= _end(done[around[-1]]):
            around.pop()
        if around:
            own[around[-1]] -= event["dur"]
        around.append(len(done))
        done.append(event)
        own.append(event["dur"])
    return [(event, max(time, 0.0)) for event, time in zip(done, own, strict=True)]


def _end(event: Event) -> float:
    return float(event["ts"]) + float(event["dur"])
