"""What this machine has without any model: its execution providers, and its peaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import inf
from time import monotonic
from typing import Any

from sepcost.errors import MeasurementError
from sepcost.latency import advice, machine
from sepcost.latency.child import execute
from sepcost.latency.jobs import Job, Runtime
from sepcost.latency.providers import CPU, PROVIDERS, Provider
from sepcost.latency.results import Bench, Peaks
from sepcost.latency.settings import OnProgress, Progress, Settings, check, documented

DOES_NOT_LOAD = "it is installed, and does not load"
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

    job = Job("peaks", runtime=settings.runtime, slice_s=settings.max_time_s)
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
    usable = {one["provider"]: one for one in _usable(timeout_s)}
    found = [_info(name, usable.get(name)) for name in PROVIDERS]
    return tuple(sorted(found, key=lambda one: not one.usable))


def _usable(timeout_s: float) -> list[Any]:
    """Ask one child for all, and one for each plugin where a plugin ended that child."""
    plugins = [name for name, one in PROVIDERS.items() if _installed(one)]
    try:
        return _told(plugins, timeout_s)
    except MeasurementError:
        found = _told([], timeout_s)
    builtin = {one["provider"] for one in found}
    for name in plugins:
        if name not in builtin:
            found += _alone(name, timeout_s)
    return found


def _told(plugins: Sequence[str], timeout_s: float) -> list[Any]:
    job = Job("providers", runtime=Runtime((CPU, *plugins)))
    return list(execute(job, timeout_s)["usable"])


def _alone(name: str, timeout_s: float) -> list[Any]:
    try:
        return [one for one in _told([name], timeout_s) if one["provider"] == name]
    except MeasurementError as error:
        return [{"provider": name, "devices": [], "plugin": True, "reason": str(error)}]


def _info(name: str, told: Mapping[str, Any] | None) -> ProviderInfo:
    one = PROVIDERS[name]
    if told is None:
        return ProviderInfo(name, usable=False, get=one.package)
    if told["reason"]:
        return ProviderInfo(name, usable=False, get=f"{DOES_NOT_LOAD}: {told['reason']}")
    if told["plugin"] and not told["devices"]:
        hint = f"; {one.hint}" if one.hint else ""
        return ProviderInfo(name, usable=False, get=WITHOUT_DEVICE + hint)
    return ProviderInfo(name, usable=True, devices=tuple(told["devices"]))


def _installed(one: Provider) -> bool:
    return one.plugin is not None and find_spec(one.plugin) is not None
