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
from sepcost.latency.hosts.place import Execute, Place, place
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
    host: str | None = None  # the machine asked, if it is another one


def machine_alone(settings: Settings, on_progress: OnProgress | None = None) -> Bench:
    """Measure the machine's peaks anew, and cache them.

    Raises
    ------
    MeasurementError
        The provider is missing.
    """
    check(settings, 1)
    with place(settings.host) as where:
        return _alone_at(where, settings, on_progress or (lambda _: None))


def _alone_at(where: Place, settings: Settings, tell: OnProgress) -> Bench:
    started = monotonic()
    version = where.execute(Job("providers"), settings.timeout_s)["onnxruntime"]
    facts = replace(where.facts(), onnxruntime=version)

    def heard(_: Mapping[str, object]) -> None:
        tell(Progress("measuring", "the machine", 0, 0, monotonic() - started))

    job = Job("peaks", runtime=settings.runtime, slice_s=settings.max_time_s)
    peaks = Peaks(**where.execute(job, settings.timeout_s, heard))
    machine.remember(facts, settings.runtime, peaks)
    return Bench(
        machine=replace(facts, peaks=peaks),
        providers=settings.runtime.providers,
        threads=settings.threads,
        models=(),
        comparisons=(),
        precision=inf,
        elapsed_s=monotonic() - started,
        warnings=(
            *advice.of_machine(facts, settings.threads, models=0),
            *advice.of_versions(facts),
        ),
        settings=documented(settings),
    )


def providers(timeout_s: float = 60.0, host: str | None = None) -> tuple[ProviderInfo, ...]:
    """List the execution providers, starting with those that can be used here, or on ``host``.

    Examples
    --------
    >>> import sepcost
    >>> [info.usable for info in sepcost.providers() if info.name == "cpu"]
    [True]
    """
    with place(host) as where:
        return at(where.execute, timeout_s, host)


def at(execute: Execute, timeout_s: float, host: str | None) -> tuple[ProviderInfo, ...]:
    """``providers`` through a connection that is open."""
    plugins = [name for name, one in PROVIDERS.items() if _may_be_there(one, host)]
    usable = {one["provider"]: one for one in _usable(execute, plugins, timeout_s)}
    every = [replace(_info(name, usable.get(name)), host=host) for name in PROVIDERS]
    return tuple(sorted(every, key=lambda one: not one.usable))


def _usable(execute: Execute, plugins: Sequence[str], timeout_s: float) -> list[Any]:
    """Ask one child for all providers; if a plugin crashes it, one child per plugin."""
    try:
        return _reported(execute, plugins, timeout_s)
    except MeasurementError:
        reports = _reported(execute, [], timeout_s)
    builtin = {one["provider"] for one in reports}
    for name in plugins:
        if name not in builtin:
            reports += _alone(execute, name, timeout_s)
    return reports


def _reported(execute: Execute, plugins: Sequence[str], timeout_s: float) -> list[Any]:
    job = Job("providers", runtime=Runtime((CPU, *plugins)))
    return list(execute(job, timeout_s)["usable"])


def _alone(execute: Execute, name: str, timeout_s: float) -> list[Any]:
    try:
        return [one for one in _reported(execute, [name], timeout_s) if one["provider"] == name]
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


def _may_be_there(one: Provider, host: str | None) -> bool:
    """Whether a plugin may be installed; on another machine, only the child knows."""
    return one.plugin is not None and (host is not None or find_spec(one.plugin) is not None)
