"""``sepcost report``: cost, latency and possible savings on one page."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepcost.cli import parse
from sepcost.cli.convert_parse import Goals, goals
from sepcost.cli.guard import say
from sepcost.cli.options import conversion, files, models, running
from sepcost.cli.output import HTML, emit, refuse_sources, refuse_terminal, refuse_unwritable
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.latency.results import Bench
    from sepcost.latency.settings import Settings
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.settings import ConvertSettings

MEASURING_S = 30.0  # at most


def report(
    source: models.NamedSource,
    output: files.Output = None,
    bind: models.Bind = None,
    shape: models.Shape = None,
    inputs: models.Inputs = None,
    provider: running.Provider = None,
    provider_option: running.ProviderOption = None,
    threads: running.Threads = 1,
    host: running.Host = None,
    convert: files.Convert = False,
    rank: conversion.Rank = None,
    max_error: conversion.MaxError = None,
    max_drop: conversion.MaxDrop = None,
    speedup: conversion.Speedup = None,
    macs: conversion.Macs = None,
    params: conversion.Params = None,
    metric: conversion.Metric = None,
    calibrate: conversion.Calibrate = None,
    max_time: running.MaxTime = None,
    seed: running.Seed = 0,
    quiet: files.Quiet = False,
) -> None:
    """Write one HTML page with cost, latency and possible savings.

    [bold]sepcost report model.onnx -o report.html[/]
    [bold]sepcost report model.onnx -o report.html --convert[/]
    [bold]sepcost report m.onnx -o r.html --convert --calibrate x.npz --macs 0.5[/]

    The page is a single file that opens offline. It combines the reports of
    analyze and bench --layers, and with --convert a planned conversion.
    """
    from sepcost.latency.jobs import Runtime
    from sepcost.latency.settings import Settings
    from sepcost.separable.settings import ConvertSettings

    asked = Goals(rank, speedup, macs, params, max_drop, max_error)
    _check(source, output, convert, asked, calibrate)
    goal, also = goals(asked)
    bound, shapes = parse.binding(bind, "report covers one size"), parse.shapes(shape or ())
    providers = parse.providers(provider)
    measure_s = min(MEASURING_S, (max_time or inf) / (3 if convert else 1))
    chosen = parse.provider_options(provider_option or (), providers)
    measuring = Settings(
        providers=providers, provider_options=chosen, threads=threads, inputs=inputs,
        max_time_s=measure_s, seed=seed, layers=True, machine=True, host=host,
    )  # fmt: skip
    planning = ConvertSettings(
        goal=goal, also=also, metric=parse.metric(metric), calibrate=calibrate, inputs=inputs,
        max_time_s=max_time and max_time - measure_s, seed=seed,
        runtime=Runtime(providers, chosen, {}, threads, host=host),
    )  # fmt: skip
    sizes = {"bind": bound, "shape": shapes}
    emit(_page(source, sizes, measuring, planning if convert else None, quiet), output)
    if output is not None and not quiet:
        say(f"wrote {output}")


def _check(
    source: str, output: Path | None, convert: bool, asked: Goals, calibrate: Path | None
) -> None:
    """Refuse contradictory arguments before spending minutes on the work."""
    refuse_terminal(HTML, output)
    refuse_sources(output, [source])
    if source == "-":
        raise SepcostError("report reads the model several times; name a file instead of -")
    if output is not None:
        refuse_unwritable(output)
    given = {**asked._asdict(), "calibrate": calibrate}
    unused = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if unused and not convert:
        raise SepcostError(f"{', '.join(unused)}: needs --convert; add it")


def _page(
    source: str,
    sizes: Mapping[str, Any],
    measuring: Settings,
    planning: ConvertSettings | None,
    quiet: bool,
) -> str:
    from sepcost.cli.progress import progress
    from sepcost.report.report.overview import Overview
    from sepcost.routes.analyze import analyze

    with progress(f"counting {source}", quiet):
        analysis = analyze(source, **sizes)
    measured = _measured(source, sizes, measuring, quiet)
    planned = _planned(source, sizes, planning, quiet) if planning else None
    return renderer("report", HTML)(Overview(analysis, measured, planned), View())


def _measured(source: str, sizes: Mapping[str, Any], settings: Settings, quiet: bool) -> Bench:
    from sepcost.cli.bench_progress import live
    from sepcost.routes.bench import bench

    with live(quiet) as tell:
        return bench(source, settings=settings, on_progress=tell, **sizes)


def _planned(
    source: str, sizes: Mapping[str, Any], settings: ConvertSettings, quiet: bool
) -> Conversion:
    from sepcost.cli.convert_progress import live
    from sepcost.routes.convert import convert

    with live(quiet) as tell:
        return convert(source, settings=settings, frontier=True, on_progress=tell, **sizes)
