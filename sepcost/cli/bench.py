"""``sepcost bench``: latency with its interval, of one model or against others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepcost.cli import parse
from sepcost.cli.guard import note
from sepcost.cli.options import files, models, rows, running, words
from sepcost.cli.options.words import Format, ListFormat
from sepcost.cli.output import (
    emit,
    refuse_sources,
    refuse_terminal,
    refuse_unwritable,
    write,
)
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.latency.results import Bench
    from sepcost.latency.settings import Settings

#: Launches after which it stops, unless --launches asks for more.
MOST_LAUNCHES = 30


def bench(
    sources: models.Models = None,
    bind: models.Bind = None,
    shape: models.Shape = None,
    inputs: models.Inputs = None,
    alpha: models.Alpha = None,
    rho: models.Rho = None,
    against: running.Against = None,
    host: running.Hosts = None,
    provider: running.Providers = None,
    provider_option: running.ProviderOption = None,
    threads: running.Threads = 1,
    optimization_level: running.OptimizationLevel = words.Optimization.ALL,
    session_option: running.SessionOption = None,
    strict: running.Strict = False,
    allow_fallback: running.AllowFallback = False,
    precision_target: running.PrecisionTarget = "1%",
    max_time: running.MaxBenchTime = 60.0,
    launches: running.Launches = 5,
    percentiles: running.Percentiles = "50,90,99",
    timeout: running.Timeout = 120.0,
    seed: running.Seed = 0,
    layers: rows.Layers = False,
    machine: rows.Machine = False,
    top: rows.Top = None,
    format_: files.Format = Format.TABLE,
    output: files.Output = None,
    export_samples: files.ExportSamples = None,
    quiet: files.Quiet = False,
) -> None:
    """Measure latency with ONNX Runtime, and compare models.

    [bold]sepcost bench model.onnx[/]                    how long one run takes
    [bold]sepcost bench model.onnx separable.onnx[/]     which one is faster, by how much
    [bold]sepcost bench model.onnx --layers[/]           which layers take the time
    [bold]sepcost bench model.onnx --provider cuda[/]    on another execution provider
    [bold]sepcost bench m.onnx --provider cpu --provider cuda[/]     on both, compared
    [bold]sepcost bench model.onnx --host pi@raspi[/]    on another machine
    [bold]sepcost bench m.onnx --host pi --host jetson[/]    on several, in turn
    [bold]sepcost bench --machine[/]                     peak speed of this machine
    [bold]sepcost bench --machine -o pi5.toml[/]         the same, for analyze --on

    Models run in child processes and take turns in random order, so ratios are
    valid even on a busy machine. Each process yields one value, and the 95%
    confidence interval is computed from these values. Measuring stops at
    --precision-target or --max-time, whichever comes first. Other models are
    compared with the first.
    """
    from sepcost.latency.settings import Settings

    if not sources and not machine:
        raise SepcostError(
            "nothing to measure; name an ONNX file, a layer spec or a shipped network "
            "('sepcost networks' lists them)"
        )
    named = list(sources or ())
    wanted, *beside = parse.provider_sets(provider)
    every = [name for one in (wanted, *beside) for name in one]
    asked = Settings(
        providers=wanted,
        beside=tuple(beside),
        provider_options=parse.provider_options(provider_option or (), every),
        threads=threads,
        optimization_level=optimization_level.value,
        session_options=parse.settings("--session-option", session_option or ()),
        precision_target=parse.fraction("--precision-target", precision_target),
        max_time_s=max_time,
        min_launches=launches,
        max_launches=max(launches, MOST_LAUNCHES),
        percentiles=parse.percentiles(percentiles),
        timeout_s=timeout,
        baseline=_position(named, against),
        seed=seed,
        layers=layers,
        machine=machine or layers,
        strict=strict,
        allow_fallback=allow_fallback,
        inputs=inputs,
        host=host[0] if host else None,
    )
    _refuse_targets(output, export_samples, named)
    described, output = _apart(output, machine)
    refuse_terminal(format_, output)
    bound = parse.binding(bind, "bench measures one size at a time")
    sizes = {"bind": bound, "shape": parse.shapes(shape or ()), "alpha": alpha, "rho": rho}
    view = View(top=top, screen=screen(output is not None))
    if host and len(host) > 1:
        _refuse_hosts(host, {"--format html": format_ == Format.HTML, "a .toml report": described,
                             "--export-samples": export_samples})  # fmt: skip
        found = [_measured(named, sizes, replace(asked, host=one), quiet) for one in host]
        emit(renderer("hosts", format_)(found, view), output)
        _notes(found, quiet)
        return
    result = _measured(named, sizes, asked, quiet)
    _describe(result, described)
    emit(renderer("bench", format_)(result, view), output)
    if export_samples is not None:
        write(renderer("bench", "samples")(result, view).encode(), export_samples)
    _notes([result], quiet)


def _refuse_hosts(hosts: Sequence[str], others: Mapping[str, object]) -> None:
    """Refuse what only one machine can give, and machines that are not ready."""
    from sepcost.latency.hosts.place import require_ready

    for what in (what for what, given in others.items() if given):
        raise SepcostError(f"{what} is for one machine; give one --host, or leave it out")
    for host in hosts:
        if hosts.count(host) > 1:
            raise SepcostError(f"--host {host}: given twice; leave one out")
    require_ready(hosts)


def _refuse_targets(output: Path | None, samples: Path | None, sources: Sequence[str]) -> None:
    """Refuse files that cannot be written before spending minutes on measuring."""
    for path in filter(None, (output, samples)):
        refuse_sources(path, sources)
        refuse_unwritable(path)
    if output is not None and output == samples:
        raise SepcostError(f"{output}: cannot hold both the report and the samples; name two files")


def _apart(output: Path | None, machine: bool) -> tuple[Path | None, Path | None]:
    """A TOML file is for the machine's peaks, and the report then goes to stdout."""
    if output is None or output.suffix != ".toml":
        return None, output
    if not machine:
        raise SepcostError(
            f"{output}: a .toml report needs --machine; add it, or name another file"
        )
    return output, None


def _describe(result: Bench, described: Path | None) -> None:
    if described is not None:
        from sepcost.latency.machine_file import written

        write(written(result, described.stem).encode(), described)


def _position(sources: Sequence[str], against: str | None) -> int:
    if against is None:
        return 0
    if against not in sources:
        raise SepcostError(f"--against {against}: not one of the sources; add it to them")
    return sources.index(against)


def _measured(
    sources: Sequence[str], sizes: Mapping[str, Any], settings: Settings, quiet: bool
) -> Bench:
    from sepcost.cli.bench_progress import live
    from sepcost.routes.bench import bench as measure

    with live(quiet) as tell:
        return measure(sources, settings=settings, on_progress=tell, **sizes)


def _notes(found: Sequence[Bench], quiet: bool) -> None:
    from sepcost.report.bench.words import notes
    from sepcost.report.hosts.words import all_notes

    lines = all_notes(found) if len(found) > 1 else notes(found[0])
    for line in () if quiet else lines:
        note(line)


def providers(
    host: running.Host = None,
    format_: files.ListFormat = ListFormat.TABLE,
    output: files.Output = None,
) -> None:
    """List the execution providers that work here, and how to get others.

    [bold]sepcost providers[/]
    [bold]sepcost bench model.onnx --provider openvino[/]    measure on one of them
    """
    from sepcost.latency import survey

    view = View(screen=screen(output is not None))
    emit(renderer("providers", format_)(survey.providers(host=host), view), output)
