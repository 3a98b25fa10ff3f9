"""How long each convolution and each of its replacements takes, on this machine.

Each distinct shape is built into a network of its own and all of them take turns in the same
processes. A cheap convolution stands before it, because runtimes keep activations in a layout of
their own between convolutions; what that takes alone is taken off. Times are remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from sepcost import atomic_file
from sepcost.latency import child, machine, stats
from sepcost.latency.jobs import Job, ModelFile, Runtime
from sepcost.latency.stats import Samples
from sepcost.network import Network
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.layer_models import single
from sepcost.separable.plan.menu import Menu, Option, shell
from sepcost.separable.rewrite.emit import applicable
from sepcost.separable.settings import OnProgress

LAUNCHES = 3
SLICE_S = 0.03  # of each network in a launch: a dozen of turns would be too many of hundreds
TIMEOUT_S = 300.0
CACHE = "layers.json"


def timed_menus(
    menus: Sequence[Menu], network: Network, runtime: Runtime, form: str | None, tell: OnProgress
) -> tuple[Menu, ...]:
    """Fill in times, choose the fastest emitted form of each option, drop what does not pay.

    Parameters
    ----------
    menus
        With the options that take fewer MACs.
    network
        Where the layers stand: it says the opset.
    runtime
        Provider and threads, those of the measurement that will judge the result.
    form
        The emitted form to use wherever it can be; None leaves it to the clock.
    tell
        Says what goes on.

    Raises
    ------
    MeasurementError
        Where a network cannot be run or timed.
    """
    variants = {menu.candidate.id: [menu.options[0], *_variants(menu, form)] for menu in menus}
    wanted: dict[str, tuple[Candidate, Option | None]] = {}
    for menu in menus:
        wanted[_key(menu.candidate, None, network)] = (menu.candidate, None)
        for option in variants[menu.candidate.id]:
            wanted[_key(menu.candidate, option, network)] = (menu.candidate, option)
    times = _times(wanted, network, runtime, tell)
    filled = []
    for menu in menus:
        candidate = menu.candidate
        base = times[_key(candidate, None, network)]
        runs = candidate.layer.trips or 1
        calls = runs * (1 + len(candidate.others))
        known = [
            replace(option, ns=max(0.0, times[_key(candidate, option, network)] - base) * calls)
            for option in variants[candidate.id]
        ]
        filled.append(replace(menu, options=_paying(known)))
    return tuple(filled)


def timed_choices(
    choices: Sequence[Choice], network: Network, runtime: Runtime, tell: OnProgress
) -> tuple[Choice, ...]:
    """Fill in what each converted layer took and takes now, where the plan did without times.

    The arguments are those of ``timed_menus``.

    Raises
    ------
    MeasurementError
        Where a layer cannot be run or timed.
    """
    open_ = [choice for choice in choices if choice.ns_before is None or choice.ns_after is None]
    asked: dict[str, tuple[tuple[Candidate, Option | None], ...]] = {}
    for choice in open_:
        factors = choice.factors
        new = Option(factors.form, factors.rank, choice.macs_after, choice.form_emitted)
        keep = Option(None, 0, choice.macs_before)
        asked[choice.candidate.id] = tuple((choice.candidate, one) for one in (None, keep, new))
    keys = {id_: [_key(*one, network) for one in each] for id_, each in asked.items()}
    wanted = {
        key: one for id_, each in asked.items() for key, one in zip(keys[id_], each, strict=True)
    }
    times = _times(wanted, network, runtime, tell) if wanted else {}
    return tuple(_timed(one, times, keys.get(one.candidate.id)) for one in choices)


def _timed(choice: Choice, times: Mapping[str, float], keys: Sequence[str] | None) -> Choice:
    if keys is None:
        return choice
    base, before, after = (times[key] for key in keys)
    calls = (choice.candidate.layer.trips or 1) * (1 + len(choice.candidate.others))
    return replace(
        choice, ns_before=max(0.0, before - base) * calls, ns_after=max(0.0, after - base) * calls
    )


def _variants(menu: Menu, form: str | None) -> list[Option]:
    """Each option in every emitted form that it can have, or the one asked for."""
    found = []
    for option in menu.options[1:]:
        assert option.form is not None
        possible = applicable(shell(menu.candidate, option.form, option.rank))
        chosen = (form,) if form in possible else possible
        found += [replace(option, emitted=emitted) for emitted in chosen]
    return found


def _paying(options: Sequence[Option]) -> tuple[Option, ...]:
    """The original, and the fastest way to write each option that takes less time."""
    keep, *offers = (replace(option, ns_before=options[0].ns) for option in options)
    best: dict[tuple[str, int], Option] = {}
    for option in offers:
        key = (str(option.form), option.rank)
        if (option.ns or 0) < min(best[key].ns or 0 if key in best else np.inf, keep.ns or 0):
            best[key] = option
    return (keep, *best.values())


def _key(candidate: Candidate, option: Option | None, network: Network) -> str:
    """Everything that a time depends on but the machine and the runtime."""
    layer = candidate.layer
    attributes = sorted((k, v) for k, v in layer.attributes.items() if k != "kernel_shape")
    what = ["base"] if option is None else [str(option.form), option.rank, option.emitted]
    shape = [layer.inputs[0], layer.inputs[1], candidate.has_bias, candidate.dtype]
    opset = network.opsets.get("", network.opsets.get("ai.onnx", 1))
    if option is None:
        attributes, shape = [], [layer.inputs[0], layer.inputs[1][:2], 0, candidate.dtype]
    return json.dumps([layer.op_type, opset, attributes, shape, what])


def _times(
    wanted: Mapping[str, tuple[Candidate, Option | None]],
    network: Network,
    runtime: Runtime,
    tell: OnProgress,
) -> dict[str, float]:
    """Recall times, and measure those that are missing with one interleaved benchmark."""
    cache, place = _Cache(machine.cache_file().with_name(CACHE)), _place(runtime)
    known = cache.read(place)
    missing = {key: what for key, what in wanted.items() if key not in known}
    if missing:
        tell(f"timing {len(missing)} layers")
        with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
            files = [
                single(Path(folder) / f"{number}.onnx", candidate, option, network)
                for number, (candidate, option) in enumerate(missing.values())
            ]
            found = time_files(files, runtime)
        fresh = dict(zip(missing, found, strict=True))
        cache.write(place, fresh)
        known |= fresh
    return {key: known[key] for key in wanted}


def time_files(
    files: Sequence[ModelFile],
    runtime: Runtime,
    launches: int = LAUNCHES,
    slice_s: float = SLICE_S,
) -> list[float]:
    """Time networks that take turns in the same processes: ns, the median over launches."""
    values: list[list[float]] = [[] for _ in files]
    for launch in range(launches):
        job = Job("launch", files, runtime, launch=launch, slice_s=slice_s)
        sides = child.execute(job, TIMEOUT_S)["samples"]
        for place, side in enumerate(sides):
            samples = Samples(
                tuple(side["wall_ns"]), tuple(side["switches"]), tuple(side["cpu_ns"])
            )
            values[place].append(stats.summarise([samples])[1][0])
    return [median(one) for one in values]


def _place(runtime: Runtime) -> str:
    """The machine, the runtime and its version: times of another are of no use."""
    from importlib.metadata import version  # noqa: PLC0415

    facts = machine.facts()
    options = sorted((p, sorted(o.items())) for p, o in runtime.provider_options.items())
    session = sorted(runtime.session_options.items())
    parts = [facts.name, facts.cpu, facts.cores, runtime.providers, runtime.threads]
    rest = [options, session, runtime.optimization_level, version("onnxruntime")]
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
