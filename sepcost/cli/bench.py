"""``sepcost bench``: how long a network takes, with its interval, alone or against others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sepcost.cli import bench_options as opt
from sepcost.cli import options, parse
from sepcost.cli.bench_options import ListFormat
from sepcost.cli.guard import note
from sepcost.cli.options import Format
from sepcost.cli.output import emit, refuse_sources, refuse_terminal, write
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.latency.results import Bench
    from sepcost.latency.settings import Settings

#: Launches after which it stops, unless more are asked for.
MOST_LAUNCHES = 30


def bench(
    sources: options.Sources = None,
    bind: opt.Bind = None,
    shape: opt.ShapeOf = None,
    inputs: opt.Inputs = None,
    alpha: opt.Alpha = None,
    rho: opt.Rho = None,
    baseline: opt.Baseline = None,
    provider: opt.Providers = None,
    provider_option: opt.ProviderOption = None,
    threads: opt.Threads = 1,
    optimization_level: opt.LevelOption = opt.Level.ALL,
    session_option: opt.SessionOption = None,
    strict: opt.Strict = False,
    allow_fallback: opt.AllowFallback = False,
    precision_target: opt.Precision = "1%",
    max_time: opt.MaxTime = 60.0,
    launches: opt.Launches = 5,
    percentiles: opt.Percentiles = "50,90,99",
    timeout: opt.Timeout = 120.0,
    seed: opt.Seed = 0,
    layers: opt.Layers = False,
    machine: opt.Machine = False,
    top: opt.Top = None,
    format_: options.FormatOption = Format.TABLE,
    output: options.Output = None,
    export_samples: opt.Samples = None,
    quiet: options.Quiet = False,
) -> None:
    """Measure latency with ONNX Runtime; several models against the first, interleaved.

    [bold]sepcost bench model.onnx[/]                     how long it takes
    [bold]sepcost bench model.onnx separable.onnx[/]      which is faster, by how much
    [bold]sepcost bench model.onnx --layers[/]            which layer takes it, and why
    [bold]sepcost bench model.onnx --provider cuda[/]     on another execution provider
    [bold]sepcost bench --machine[/]                      what this machine can do at most

    Models run in child processes, in turns and in random order, so that a ratio
    holds on a busy machine too. One number a process; the interval is over
    processes. It stops at --precision-target or --max-time, whichever is first.
    """
    from sepcost.latency.settings import Settings

    if not sources and not machine:
        raise SepcostError("nothing to measure: name an ONNX file, a spec or a shipped network")
    named = list(sources or ())
    wanted = parse.providers(provider)
    asked = Settings(
        providers=wanted,
        provider_options=parse.provider_options(provider_option or (), wanted),
        threads=threads,
        optimization_level=optimization_level.value,
        session_options=parse.settings("--session-option", session_option or ()),
        precision_target=parse.fraction("--precision-target", precision_target),
        max_time_s=max_time,
        min_launches=launches,
        max_launches=max(launches, MOST_LAUNCHES),
        percentiles=parse.percentiles(percentiles),
        timeout_s=timeout,
        baseline=_position(named, baseline),
        seed=seed,
        layers=layers,
        machine=machine or layers,
        strict=strict,
        allow_fallback=allow_fallback,
        inputs=inputs,
    )
    _refuse_targets(output, export_samples, named)
    refuse_terminal(format_, output)
    bound = parse.binding(bind, "bench measures one size at a time")
    sizes = {"bind": bound, "shape": parse.shapes(shape or ()), "alpha": alpha, "rho": rho}
    found = _measured(named, sizes, asked, quiet)
    view = View(top=top, screen=screen(output is not None))
    emit(renderer("bench", format_)(found, view), output)
    if export_samples is not None:
        write(renderer("bench", "samples")(found, view).encode(), export_samples)
    if not quiet:
        _notes(found)


def _refuse_targets(output: Path | None, samples: Path | None, sources: Sequence[str]) -> None:
    """Refuse files that cannot be written before minutes are spent on measuring."""
    for path in filter(None, (output, samples)):
        refuse_sources(path, sources)
        if path.is_dir():
            raise SepcostError(f"{path}: is a folder; name a file")
        if not path.parent.is_dir():
            raise SepcostError(f"{path}: there is no folder {path.parent}")
    if output is not None and output == samples:
        raise SepcostError(f"{output}: is both --output and --export-samples")


def _position(sources: Sequence[str], baseline: str | None) -> int:
    if baseline is None:
        return 0
    if baseline not in sources:
        raise SepcostError(f"--baseline {baseline}: is none of the models to measure")
    return sources.index(baseline)


def _measured(
    sources: Sequence[str], sizes: Mapping[str, Any], settings: Settings, quiet: bool
) -> Bench:
    from sepcost.cli.bench_progress import live
    from sepcost.routes.bench import bench as measure

    with live(quiet) as tell:
        return measure(sources, settings=settings, on_progress=tell, **sizes)


def _notes(found: Bench) -> None:
    from sepcost.report.bench.words import notes

    for line in notes(found):
        note(line)


def providers(
    format_: Annotated[
        ListFormat, typer.Option("--format", "-f", help="How to write the list.")
    ] = ListFormat.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Else stdout.")
    ] = None,
) -> None:
    """List the execution providers: which are usable here, on what, and how to get the others.

    [bold]sepcost providers[/]
    [bold]sepcost bench model.onnx --provider openvino[/]    then measure on one of them
    """
    from sepcost.latency import survey

    view = View(screen=screen(output is not None))
    emit(renderer("providers", format_)(survey.providers(), view), output)
