"""Times of networks of one layer each: measured in turns, and cached.

A time is found again by the layer's shape and the option, the machine and the runtime.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import median

from sepcost import atomic_file
from sepcost.latency import child, machine, stats
from sepcost.latency.hosts.place import place
from sepcost.latency.jobs import Job, ModelFile, Runtime
from sepcost.latency.stats import Samples
from sepcost.network import Network
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.plan.layer_models import layer_model
from sepcost.separable.plan.menu import Option, shell
from sepcost.separable.watch import Watch

LAUNCHES = 1  # all layers take turns in it; the search corrects common errors
HELD_BYTES = 1 << 27  # of the values of all networks in a process; sessions take several times that
WEIGHT_BYTES = 1 << 30  # of dense layers in a process; sessions take several times that too
VALUES = 3  # held by the session of a layer, on each side of it
SLICE_S = 0.02  # per network and launch: there may be hundreds of networks
ALIKE = 0.01  # relative difference of two launches that agree
TIMEOUT_S = 300.0
CACHE = "layers.json"

#: Time in ns of a network with an option, with the original layer, or (None) with neither.
Time = Callable[[Candidate, Option | None], float]


def _key(candidate: Candidate, option: Option | None, network: Network) -> str:
    """Everything that a time depends on, except the machine and the runtime."""
    layer = candidate.layer
    attributes = sorted((k, v) for k, v in layer.attributes.items() if k != "kernel_shape")
    what = ["base"] if option is None else [str(option.form), option.rank, option.emitted]
    if option is not None and option.lifted:
        what.append("2-D")
    shape = [layer.inputs[0], layer.inputs[1], candidate.has_bias, candidate.dtype]
    dense = [] if candidate.dense is None else [candidate.dense.weight]
    opset = network.opsets.get("", network.opsets.get("ai.onnx", 1))
    if option is None:
        attributes, shape = [], [layer.inputs[0], layer.inputs[1][:2], 0, candidate.dtype]
    how, stored = candidate.activations, candidate.stored
    small = [] if stored is None else [stored.dtype, how and [how.dtype, how.symmetric, 1]]
    return json.dumps([layer.op_type, opset, attributes, shape, what, *small, *dense])


def layer_times(
    parts: Sequence[tuple[Candidate, Option | None]],
    network: Network,
    runtime: Runtime,
    watch: Watch,
) -> Time:
    """Read times from the cache; measure the missing ones in one interleaved benchmark.

    Parameters
    ----------
    parts
        Candidates, each with an option, the original layer, or (None) neither.
    network
        The layers' network, for its opset.
    runtime
        Provider and threads.
    watch
        Asked while networks run.

    Raises
    ------
    MeasurementError
        A network cannot be run or timed.
    TimeUpError
        The time is up.
    """
    wanted = {_key(*part, network): part for part in parts}
    known = _known(wanted, network, runtime, watch) if wanted else {}
    return lambda candidate, option: known[_key(candidate, option, network)]


def _known(
    wanted: Mapping[str, tuple[Candidate, Option | None]],
    network: Network,
    runtime: Runtime,
    watch: Watch,
) -> dict[str, float]:
    cache, at = _Cache(machine.cache_file().with_name(CACHE)), _place(runtime)
    known = cache.read(at)
    missing = {key: what for key, what in wanted.items() if key not in known}
    heard, first = _heard(watch, len(missing)), 0
    for group in _groups(missing):
        with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
            files = [
                layer_model(Path(folder) / f"{number}.onnx", *missing[key], network)
                for number, key in enumerate(group, first)
            ]
            times = time_files(files, runtime, heard)
        measured = dict(zip(group, times, strict=True))
        cache.write(at, measured)
        known |= measured
        first += len(group)
    return {key: known[key] for key in wanted}


def _groups(missing: Mapping[str, tuple[Candidate, Option | None]]) -> list[list[str]]:
    """Split networks: those of a group fit in memory together, as all of them take turns."""
    groups: list[list[str]] = []
    held = stored = 0
    for key, (candidate, option) in missing.items():
        sides = prod(candidate.layer.inputs[candidate.data_at]) + prod(candidate.layer.outputs[0])
        size = 4 * (VALUES * sides + _between(candidate, option))
        weights = 4 * _dense_params(candidate, option)
        if not groups or held + size > HELD_BYTES or stored + weights > WEIGHT_BYTES:
            groups.append([])
            held = stored = 0
        groups[-1].append(key)
        held += size
        stored += weights
    return groups


def _between(candidate: Candidate, option: Option | None) -> int:
    """Elements between the parts of a replacement, all branches together."""
    if option is None or option.form is None or candidate.dense:
        return 0
    branches, channels = shell(candidate, option.form, option.rank).spatial.shape[:2]
    images, _, *extent = candidate.layer.outputs[0]
    return int(branches * channels * images * prod(extent))


def _dense_params(candidate: Candidate, option: Option | None) -> int:
    """Elements of the weights of a dense layer or its option; those of convolutions are few."""
    if candidate.dense is None or option is None:
        return 0
    sides = candidate.dense.inputs, candidate.dense.outputs
    return prod(sides) if option.keeps else option.rank * sum(sides)


def _heard(watch: Watch, count: int) -> child.OnStage:
    """Reports which network is loaded; each of them warms up before all take turns."""

    def heard(stage: child.Message) -> None:
        watch.check()
        if stage["stage"] == "loading":
            watch.tell("timing layers", int(stage["model"]) + 1, count)

    return heard


def time_files(
    files: Sequence[ModelFile],
    runtime: Runtime,
    on_stage: child.OnStage,
    launches: int = LAUNCHES,
    slice_s: float = SLICE_S,
) -> list[float]:
    """Time networks that take turns in the same processes: median over launches, in ns.

    Launches end early once two of them agree.
    """
    values: list[list[float]] = [[] for _ in files]
    with place(runtime.host) as where:
        for launch in range(launches):
            job = Job("launch", files, runtime, launch=launch, slice_s=slice_s)
            for own, side in zip(
                values, where.execute(job, TIMEOUT_S, on_stage)["samples"], strict=True
            ):
                samples = Samples(
                    tuple(side["wall_ns"]), tuple(side["switches"]), tuple(side["cpu_ns"])
                )
                own.append(stats.summarise([samples])[1][0])
            if launch and agree(values):
                break
    return [median(one) for one in values]


def agree(values: Sequence[Sequence[float]]) -> bool:
    """Whether the last two launches give each network the same time relative to the first."""
    before, after = ([one[k] / values[0][k] for one in values] for k in (-2, -1))
    return all(abs(a / b - 1) <= ALIKE for a, b in zip(before, after, strict=True))


def _place(runtime: Runtime) -> str:
    """A hash of the machine, the runtime and its version, as times hold only for these."""
    from importlib.metadata import version  # noqa: PLC0415

    with place(runtime.host) as where:
        facts = where.facts()
    options = sorted((p, sorted(o.items())) for p, o in runtime.provider_options.items())
    session = sorted(runtime.session_options.items())
    parts = [facts.name, facts.cpu, facts.cores, runtime.providers, runtime.threads]
    used = facts.onnxruntime or version("onnxruntime")
    parts += [runtime.host] if runtime.host else []
    rest = [options, session, runtime.optimization_level, used]
    return hashlib.sha256(json.dumps([*parts, *rest]).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Cache:
    """Times by place and key, in a file that may be missing, damaged or read-only."""

    path: Path

    def read(self, place: str) -> dict[str, float]:
        return machine.read_cache(self.path).get(place, {})

    def write(self, place: str, times: Mapping[str, float]) -> None:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            known = machine.read_cache(self.path)
            known[place] = known.get(place, {}) | dict(times)
            atomic_file.write(json.dumps(known).encode(), self.path)
