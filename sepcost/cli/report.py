"""``sepcost report``: cost, latency and what separating would save, on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sepcost.cli import bench_options, complete, options, parse
from sepcost.cli import convert_options as opt
from sepcost.cli.convert_parse import Goals, goal
from sepcost.cli.guard import say
from sepcost.cli.output import HTML, emit, refuse_sources, refuse_terminal
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.latency.results import Bench
    from sepcost.latency.settings import Settings
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.settings import ConvertSettings

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        autocompletion=complete.source,
        help="An ONNX file, a TOML layer spec, the name of a shipped network.",
    ),
]
Convert = Annotated[
    bool,
    typer.Option(
        "--convert",
        rich_help_panel=opt.METHOD,
        help="Also plan a conversion, with the curve of error against cost. Takes minutes.",
    ),
]
MaxTime = Annotated[
    float,
    typer.Option(
        min=0.1,
        metavar="S",
        rich_help_panel=opt.METHOD,
        help="Measure each latency for about so many seconds.",
    ),
]


def report(
    source: Model,
    output: options.Output = None,
    bind: bench_options.Bind = None,
    shape: options.ShapeOf = None,
    inputs: bench_options.Inputs = None,
    provider: bench_options.Providers = None,
    provider_option: bench_options.ProviderOption = None,
    threads: bench_options.Threads = 1,
    convert: Convert = False,
    rank: opt.Rank = None,
    max_error: opt.MaxError = None,
    max_drop: opt.MaxDrop = None,
    speedup: opt.Speedup = None,
    macs: opt.Macs = None,
    calibrate: opt.Calibrate = None,
    max_time: MaxTime = 30.0,
    seed: opt.Seed = 0,
    quiet: options.Quiet = False,
) -> None:
    """Put on one page what a model costs, how long it takes and what separating would save.

    [bold]sepcost report model.onnx -o report.html[/]
    [bold]sepcost report model.onnx -o report.html --convert[/]
    [bold]sepcost report m.onnx -o r.html --convert --calibrate x.npz --macs 0.5[/]

    The page is one file: it opens offline, and can be sent around. It holds what analyze
    and bench --layers find, and with --convert what convert --dry-run --frontier does.
    """
    from sepcost.latency.jobs import Runtime
    from sepcost.latency.settings import Settings
    from sepcost.separable.settings import ConvertSettings

    goals = Goals(rank, max_error, max_drop, speedup, macs)
    _check(source, output, convert, goals, calibrate)
    bound, shapes = parse.binding(bind, "a report is about one size"), parse.shapes(shape or ())
    providers = parse.providers(provider)
    chosen = parse.provider_options(provider_option or (), providers)
    measuring = Settings(
        providers=providers, provider_options=chosen, threads=threads, inputs=inputs,
        max_time_s=max_time, seed=seed, layers=True, machine=True,
    )  # fmt: skip
    planning = ConvertSettings(
        goal=goal(goals), calibrate=calibrate, bind=bound, shape=shapes, inputs=inputs,
        max_time_s=max_time, seed=seed, runtime=Runtime(providers, chosen, {}, threads),
    )  # fmt: skip
    sizes = {"bind": bound, "shape": shapes}
    emit(_page(source, sizes, measuring, planning if convert else None, quiet), output)
    if output is not None and not quiet:
        say(f"wrote {output}")


def _check(
    source: str, output: Path | None, convert: bool, goals: Goals, calibrate: Path | None
) -> None:
    """Refuse what cannot be meant before minutes are spent on it."""
    refuse_terminal(HTML, output)
    refuse_sources(output, [source])
    if source == "-":
        raise SepcostError("report reads a model more than once: name a file in the place of -")
    if output is not None and not output.parent.is_dir():
        raise SepcostError(f"{output}: there is no folder {output.parent}")
    if not convert and (calibrate or any(value is not None for value in goals)):
        raise SepcostError("a goal or calibration data go with --convert")


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
    planned = _planned(source, planning, quiet) if planning else None
    return renderer("report", HTML)(Overview(analysis, measured, planned), View())


def _measured(source: str, sizes: Mapping[str, Any], settings: Settings, quiet: bool) -> Bench:
    from sepcost.cli.bench_progress import live
    from sepcost.routes.bench import bench

    with live(quiet) as tell:
        return bench(source, settings=settings, on_progress=tell, **sizes)


def _planned(source: str, settings: ConvertSettings, quiet: bool) -> Conversion:
    from sepcost.cli.convert_progress import live
    from sepcost.routes.convert import convert

    with live(quiet) as tell:
        return convert(source, settings=settings, frontier=True, on_progress=tell)
