"""What this machine has without any model: its execution providers, and its peaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import inf
from time import monotonic

from sepcost.latency import advice, machine
from sepcost.latency.child import execute
from sepcost.latency.jobs import Job
from sepcost.latency.providers import PROVIDERS
from sepcost.latency.results import Bench, Peaks
from sepcost.latency.settings import OnProgress, Progress, Settings, check, documented

WITHOUT_DEVICE = "a device that it supports: it is installed, and finds none here"


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """One execution provider: whether it is usable here, on what, else how to get it."""

    name: str
    usable: bool
    devices: tuple[str, ...] = ()
    get: str = ""


def machine_alone(settings: Settings, on_progress: OnProgress | None = None) -> Bench:
    """Measure anew what the machine can do at most, and remember it.

    Raises
    ------
    MeasurementError
        Where the provider is missing.
    """
    check(settings, 1)
    started, tell = monotonic(), on_progress or (lambda _: None)
    facts = machine.facts()
    version = execute(Job("providers"), settings.timeout_s)["onnxruntime"]
    facts = replace(facts, onnxruntime=version)

    def heard(_: Mapping[str, object]) -> None:
        tell(Progress("measuring", "the machine", 0, 0, monotonic() - started))

    job = Job("peaks", runtime=settings.runtime)
    peaks = Peaks(**execute(job, settings.timeout_s, heard))
    machine.remember(facts, settings.runtime, peaks)
    return Bench(
        machine=replace(facts, peaks=peaks),
        providers=settings.runtime.providers,
        threads=settings.threads,
        models=(),
        comparisons=(),
        precision=inf,
        elapsed_s=monotonic() - started,
        warnings=tuple(advice.of_machine(facts, settings.threads)),
        settings=documented(settings),
    )


def providers(timeout_s: float = 60.0) -> tuple[ProviderInfo, ...]:
    """List the execution providers, those that are usable here first."""
    usable = execute(Job("providers"), timeout_s)["usable"]
    found = [ProviderInfo(one["provider"], True, tuple(one["devices"])) for one in usable]
    known = {one.name for one in found}
    others = [
        ProviderInfo(name, False, get=WITHOUT_DEVICE if _installed(one.plugin) else one.package)
        for name, one in PROVIDERS.items()
        if name not in known
    ]
    return (*found, *others)


def _installed(plugin: str | None) -> bool:
    return plugin is not None and find_spec(plugin) is not None
