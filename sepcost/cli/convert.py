"""``sepcost convert``: regular convolutions into separable ones that keep the model working."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sepcost.cli import bench_options, options, parse
from sepcost.cli import convert_options as opt
from sepcost.cli.convert_parse import Goals, forms, goal, numbers, size
from sepcost.cli.guard import note, say
from sepcost.cli.options import Format
from sepcost.cli.output import emit, refuse_sources, refuse_terminal
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.settings import ConvertSettings

MISSED = 1


def convert(
    source: opt.Model,
    output: opt.Target = None,
    rank: opt.Rank = None,
    max_error: opt.MaxError = None,
    max_drop: opt.MaxDrop = None,
    speedup: opt.Speedup = None,
    macs: opt.Macs = None,
    init: opt.InitOption = opt.Init.FACTORS,
    only: opt.Only = None,
    skip: opt.Skip = None,
    by: opt.By = None,
    forms_: opt.Forms = None,
    form: opt.Form = None,
    calibrate: opt.Calibrate = None,
    mean: opt.Mean = None,
    std: opt.Std = None,
    size_: opt.Size = None,
    layout: opt.LayoutOption = None,
    bind: options.Bind = None,
    shape: options.ShapeOf = None,
    inputs: opt.Inputs = None,
    provider: bench_options.Providers = None,
    provider_option: bench_options.ProviderOption = None,
    threads: bench_options.Threads = 1,
    dry_run: opt.DryRun = False,
    frontier: opt.Frontier = False,
    verify: opt.Verify = True,
    max_time: opt.MaxTime = 30.0,
    seed: opt.Seed = 0,
    force: opt.Force = False,
    format_: options.FormatOption = Format.TABLE,
    report: opt.Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Turn regular convolutions into separable ones, keep what the model does, prove the speed.

    [bold]sepcost convert m.onnx -o out.onnx --rank full[/]
    [bold]sepcost convert m.onnx -o out.onnx --speedup 2 --calibrate x.npz[/]
    [bold]sepcost convert m.onnx -o out.onnx --max-drop 1% --calibrate x.npz[/]
    [bold]sepcost convert m.onnx --macs 0.5 --calibrate x.npz --dry-run[/]
    [bold]sepcost convert m.onnx --frontier -f html --report r.html[/]

    Without calibration data it works from the weights alone, which keeps far less.
    A result that misses the goal is not written (exit 1), unless --force says so.
    """
    from sepcost.latency.jobs import Runtime
    from sepcost.separable.data.images import ImageFormat
    from sepcost.separable.settings import ConvertSettings, Saving

    if output is None and not (dry_run or frontier):
        raise SepcostError("name where the model goes with -o, or ask for the plan with --dry-run")
    refuse_sources(report, [source])
    refuse_terminal(format_, report, "--report")
    providers = tuple(provider.split(",")) if provider else ("cpu",)
    asked = ConvertSettings(
        goal=goal(Goals(rank, max_error, max_drop, speedup, macs)),
        by=Saving(by) if by else None,
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        forms=forms(forms_),
        form=str(form) if form else None,
        random_init=init is opt.Init.RANDOM,
        calibrate=calibrate,
        images=ImageFormat(
            numbers("--mean", mean), numbers("--std", std), size(size_), str(layout or "")
        ),
        bind=parse.binding(bind, "convert works at one size"),
        shape=parse.shapes(shape or ()),
        inputs=inputs,
        runtime=Runtime(
            providers, parse.provider_options(provider_option or (), providers[0]), {}, threads
        ),
        verify=verify,
        max_time_s=max_time,
        seed=seed,
    )
    found = _converted(source, asked, None if dry_run else output, (force, frontier, quiet))
    view = View(screen=screen(report is not None))
    emit(renderer("convert", format_)(found, view), report)
    _end(found, quiet)


def _converted(
    source: str, asked: ConvertSettings, target: Path | None, how: tuple[bool, bool, bool]
) -> Conversion:
    from sepcost.cli.convert_progress import live
    from sepcost.routes.convert import convert as work

    force, frontier, quiet = how
    with live(quiet) as tell:
        return work(
            source, target, settings=asked, force=force, frontier=frontier, on_progress=tell
        )


def _end(found: Conversion, quiet: bool) -> None:
    from sepcost.report.convert.words import notes

    if found.missed:
        held = "" if found.written else "; nothing was written"
        say(f"sepcost: {found.missed}{held}")
    if not quiet:
        for line in notes(found):
            if line != found.missed:
                note(line)
    if found.missed:
        raise typer.Exit(MISSED)
