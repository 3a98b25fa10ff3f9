"""The machine without a model: its execution providers and its peaks."""

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

DOES_NOT_LOAD = "installed, but cannot be loaded"
WITHOUT_DEVICE = "installed, but finds no supported device here"


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """One execution provider: its devices if it can be used here, or how to get it."""

    name: str
    usable: bool
    devices: tuple[str, ...] = ()
    get: str = ""


def machine_alone(settings: Settings, on_progress: OnProgress | None = None) -> Bench:
    """Measure the machine's peaks anew, and cache them.

    Raises
    ------
    MeasurementError
        The provider is missing.
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
        warnings=tuple(advice.of_machine(facts, settings.threads, models=0)),
        settings=documented(settings),
    )


def providers(timeout_s: float = 60.0) -> tuple[ProviderInfo, ...]:
    """List the execution providers, starting with those that can be used here.

    Examples
    --------
    >>> import sepcost
    >>> [info.usable for info in sepcost.providers() if info.name == "cpu"]
    [True]
    """
    usable = {one["provider"]: one for one in _usable(timeout_s)}
    every = [_info(name, usable.get(name)) for name in PROVIDERS]
    return tuple(sorted(every, key=lambda one: not one.usable))


def _usable(timeout_s: float) -> list[Any]:
    """Ask one child for all providers; if a plugin crashes it, one child per plugin."""
    plugins = [name for name, one in PROVIDERS.items() if _installed(one)]
    try:
        return _reported(plugins, timeout_s)
    except MeasurementError:
        reports = _reported([], timeout_s)
    builtin = {one["provider"] for one in reports}
    for name in plugins:
        if name not in builtin:
            reports += _alone(name, timeout_s)
    return reports


def _reported(plugins: Sequence[str], timeout_s: float) -> list[Any]:
    job = Job("providers", runtime=Runtime((CPU, *plugins)))
    return list(execute(job, timeout_s)["usable"])


def _alone(name: str, timeout_s: float) -> list[Any]:
    try:
        return [one for one in _reported([name], timeout_s) if one["provider"] == name]
    except MeasurementError as error:
        return [{"provider": name, "devices": [], "plugin": True, "reason": str(error)}]


def _info(name: str, reported: Mapping[str, Any] | None) -> ProviderInfo:
    one = PROVIDERS[name]
    if reported is None:
        return ProviderInfo(name, usable=False, get=one.package)
    if reported["reason"]:
        return ProviderInfo(name, usable=False, get=f"{DOES_NOT_LOAD}: {reported['reason']}")
    if reported["plugin"] and not reported["devices"]:
        hint = f"; {one.hint}" if one.hint else ""
        return ProviderInfo(name, usable=False, get=WITHOUT_DEVICE + hint)
    return ProviderInfo(name, usable=True, devices=tuple(reported["devices"]))


def _installed(one: Provider) -> bool:
    return one.plugin is not None and find_spec(one.plugin) is not None
