"""Time per layer: ONNX Runtime's profile, mapped to the nodes of the original model.

Profiling slows every kernel down (by 7 to 11 us), so it gets a separate session and only its
proportions are used: they are applied to the latency measured without it.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import onnx

from sepcost.latency import mapping, runtime
from sepcost.latency.inputs import Array
from sepcost.latency.jobs import FOLDER_KEY, ModelFile, Runtime
from sepcost.latency.labels import TOKEN, Labelled, labelled
from sepcost.latency.providers import CPU, short_name
from sepcost.latency.results import LayerTime
from sepcost.latency.stats import QUARTILE, percentile
from sepcost.model.links import serialised

SECONDS = 0.5
FEWEST, MOST = 5, 200  # runs
MAX_EVENTS = 500_000  # ONNX Runtime drops events beyond a million
SUFFIX = "_kernel_time"
OPTIMISED = "optimised.onnx"
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Timed:
    """One kernel in the profile."""

    op_type: str
    provider: str
    time_ns: float  # without the kernels of its subgraphs


def read(model: ModelFile) -> Labelled:
    """Read a model without loading external weights."""
    return labelled(onnx.load(model.path, load_external_data=False))


def _as_bytes(labels: Labelled, model: ModelFile, asked: Runtime) -> tuple[bytes, Runtime]:
    """A model as bytes, with a session option that locates its external data."""
    data, home = serialised(labels.model, model.path.parent)
    folder = {FOLDER_KEY: str(home)}
    return data, replace(asked, session_options={**asked.session_options, **folder})


def placement(model: ModelFile, asked: Runtime) -> list[tuple[str, list[str]]]:
    """Read which provider got which layers, by layer id; one entry per subgraph."""
    labels = read(model)
    made = runtime.session(*_as_bytes(labels, model, asked))
    placed = runtime.placement(made)
    listed = {node for _, nodes in placed for node in nodes}
    return [
        (
            name,
            [
                layer
                for node in _whole(name, nodes, labels, listed)
                for layer in _layers_of(node, labels)
            ],
        )
        for name, nodes in placed
    ]


def _whole(name: str, nodes: list[str], labels: Labelled, listed: Set[str]) -> list[str]:
    """Add to the nodes of a provider those inside them that no provider lists.

    A provider that takes a whole Loop lists only the Loop; the CPU lists what is inside.
    """
    if name == CPU:
        return nodes
    inside = [node for holder in nodes for node in labels.inside.get(holder, ())]
    return [*nodes, *(node for node in inside if node not in listed)]


def _layers_of(node: str, labels: Labelled) -> list[str]:
    return [labels.ids[label] for label in _labels_of(node, labels)] or [node]


def _labels_of(node: str, labels: Labelled) -> list[str]:
    """Find the labels in a name that ONNX Runtime may have derived: ``<node>/MatMulAddFusion``."""
    found = (match[0] for match in TOKEN.finditer(node))
    return [label for label in found if label in labels.ids]


def profile(
    model: ModelFile,
    asked: Runtime,
    feeds: Mapping[str, Array],
    folder: Path,
    beat: Callable[[], None] = lambda: None,
) -> list[LayerTime]:
    """Time the kernels of a model and assign to each the nodes that it runs.

    Parameters
    ----------
    model, asked, feeds
        The model, the session settings and the inputs.
    folder
        Folder for the optimised graph and the profile; the caller removes it.
    beat
        Called after each run.

    Returns
    -------
    list
        One row per kernel, in the order of the optimised graph; one per kind of kernel that only
        moves data; one for all nodes that were optimised away. Every node is in exactly one row,
        and the times are those of the profile.
    """
    labels = read(model)
    made, optimised = _session(*_as_bytes(labels, model, asked), folder)
    run = runtime.runner(made, feeds, model)
    started, runs, most = monotonic(), 0, max(FEWEST, min(MOST, MAX_EVENTS // len(labels.ids)))
    while runs < FEWEST or (monotonic() - started < SECONDS and runs < most):
        run()
        beat()
        runs += 1
    times = kernel_times(json.loads(Path(made.end_profiling()).read_text(encoding="utf-8")))
    if optimised is None:
        kernels, constant = _by_placement(labels, runtime.placement(made), times)
    else:
        kernels, constant = mapping.kernels(labels, optimised)
    return _rows(labels, kernels, constant, times)


def _session(
    source: bytes, asked: Runtime, folder: Path
) -> tuple[runtime.Session, onnx.GraphProto | None]:
    """Make a profiling session; return it with the optimised graph if the provider can write it.

    Providers that compile subgraphs (OpenVINO, TensorRT) cannot write the graph.
    """
    try:
        made = runtime.session(source, asked, partial(runtime.profiled, folder, folder / OPTIMISED))
    except Exception:
        if asked.cpu_only:
            raise
        return runtime.session(source, asked, partial(runtime.profiled, folder, None)), None
    return made, onnx.load(folder / OPTIMISED, load_external_data=False).graph


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


def _by_placement(
    labels: Labelled, placed: Iterable[tuple[str, list[str]]], times: Mapping[str, Timed]
) -> tuple[list[mapping.Kernel], tuple[str, ...]]:
    """Assign nodes to compiled subgraphs, both in the order in which they are listed."""
    fused = defaultdict(list)
    for name, timed in times.items():
        if name not in labels.ids:
            fused[timed.provider].append(name)
    kernels = [
        mapping.Kernel(name, times[name].op_type, labels.scopes[name], (name,))
        for name in times
        if name in labels.ids
    ]
    seen = {kernel.name for kernel in kernels}
    placed = list(placed)
    listed = {node for _, nodes in placed for node in nodes}
    for provider, nodes in placed:
        whole = _whole(provider, nodes, labels, listed)
        every = dict.fromkeys(label for node in whole for label in _labels_of(node, labels))
        rest = tuple(label for label in every if label not in seen)
        names = fused[provider]
        if rest and names:
            name = names.pop(0) if len(names) > 1 else names[0]
            kernels.append(mapping.Kernel(name, times[name].op_type, "", rest))
            seen.update(rest)
    return kernels, tuple(node for node in labels.ids if node not in seen)


def _rows(
    labels: Labelled,
    kernels: Iterable[mapping.Kernel],
    constant: tuple[str, ...],
    times: Mapping[str, Timed],
) -> list[LayerTime]:
    """Join kernels with times; kernels without nodes are summed by kind and scope."""
    idle = Timed("", "", 0.0)
    rows: dict[tuple[str, str], LayerTime] = {}
    for kernel in kernels:
        timed = times.get(kernel.name, idle)
        row = LayerTime(
            nodes=tuple(labels.ids[node] for node in kernel.nodes),
            kernel=timed.op_type or kernel.op_type,
            provider=timed.provider,
            scope=kernel.scope,
            time_ns=timed.time_ns,
            share=0.0,
        )
        key = (kernel.name if kernel.nodes else f"{row.kernel} moves", kernel.scope)
        if known := rows.get(key):
            row = replace(row, time_ns=row.time_ns + known.time_ns, nodes=known.nodes + row.nodes)
        rows[key] = row
    if constant:
        folded = tuple(labels.ids[node] for node in constant)
        rows["", ""] = LayerTime(folded, "", "", "", 0.0, 0.0)
    total = sum(row.time_ns for row in rows.values())
    even = 1 / len(rows)
    return [replace(r, share=r.time_ns / total if total else even) for r in rows.values()]
