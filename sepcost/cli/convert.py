"""``sepcost convert``: replace regular convolutions with separable ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sepcost.cli import convert_parse, parse
from sepcost.cli.convert_parse import Goals
from sepcost.cli.guard import note, say
from sepcost.cli.options import conversion, files, models, running, words
from sepcost.cli.options.words import Format
from sepcost.cli.output import (
    emit,
    refuse_report_name,
    refuse_sources,
    refuse_terminal,
    refuse_unwritable,
)
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion

MISSED = 1


def convert(
    source: models.Source,
    rank: conversion.Rank = None,
    max_error: conversion.MaxError = None,
    max_drop: conversion.MaxDrop = None,
    speedup: conversion.Speedup = None,
    macs: conversion.Macs = None,
    params: conversion.Params = None,
    metric: conversion.Metric = None,
    class_output: conversion.ClassOutput = None,
    init: conversion.Init = words.Init.FACTORS,
    only: conversion.Only = None,
    skip: conversion.Skip = None,
    reduce: conversion.Reduce = None,
    forms: conversion.Forms = None,
    dense: conversion.Dense = False,
    emit_: conversion.Emit = None,
    calibrate: conversion.Calibrate = None,
    tune: conversion.Tune = "auto",
    mean: conversion.Mean = None,
    std: conversion.Std = None,
    size: conversion.Size = None,
    layout: conversion.Layout = None,
    bind: models.Bind = None,
    shape: models.Shape = None,
    trips: models.Trips = None,
    observe: models.Observe = False,
    inputs: models.Inputs = None,
    provider: running.Provider = None,
    provider_option: running.ProviderOption = None,
    threads: running.Threads = 1,
    host: running.Host = None,
    verify: running.Verify = True,
    max_time: running.MaxTime = None,
    seed: running.Seed = 0,
    output: files.Model = None,
    dry_run: files.DryRun = False,
    frontier: files.Frontier = False,
    copy_unchanged: files.CopyUnchanged = False,
    force: files.ForceModel = False,
    format_: files.Format = Format.TABLE,
    report: files.Report = None,
    quiet: files.Quiet = False,
) -> None:
    """Replace convolutions with separable ones, and measure the result.

    [bold]sepcost convert m.onnx --rank full --dry-run[/]
    [bold]sepcost convert m.onnx -o out.onnx --speedup 2 --calibrate x.npz[/]
    [bold]sepcost convert m.onnx -o out.onnx --max-drop 1% --calibrate x.npz[/]
    [bold]sepcost convert m.onnx --macs 0.5 --calibrate x.npz --dry-run[/]
    [bold]sepcost convert m.onnx --frontier -f html -r report.html[/]
    [bold]sepcost convert m.onnx -o out.onnx --speedup 2 --host pi@raspi[/]

    Without calibration data, only the weights are used, and far more accuracy is
    lost. With calibration data, held-out samples judge the result, and --inputs
    is not used.

    If a goal or a minimum requirement is not met, no model is written (exit 1)
    unless you add --force.

    Ctrl-C stops with the best plan found so far; a second one quits.
    """
    from sepcost.cli.convert_progress import live
    from sepcost.cli.stopping import on_request
    from sepcost.latency.jobs import Runtime
    from sepcost.routes.convert import convert as route
    from sepcost.separable.data.images import ImageFormat
    from sepcost.separable.settings import ConvertSettings, Saving

    _check(source, output, report, wants_model=not (dry_run or frontier))
    refuse_terminal(format_, report)
    providers = parse.providers(provider)
    chosen = parse.provider_options(provider_option or (), providers)
    goal, also = convert_parse.goals(Goals(rank, speedup, macs, params, max_drop, max_error))
    settings = ConvertSettings(
        goal=goal,
        also=also,
        metric=parse.metric(metric),
        class_output=class_output,
        reduce=Saving(reduce) if reduce else None,
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        forms=convert_parse.forms(forms),
        dense=dense,
        emit=str(emit_) if emit_ else None,
        random_init=init is words.Init.RANDOM,
        calibrate=calibrate,
        images=ImageFormat(
            convert_parse.numbers("--mean", mean),
            convert_parse.numbers("--std", std),
            convert_parse.size(size),
            str(layout or ""),
        ),
        inputs=inputs,
        runtime=Runtime(providers, chosen, {}, threads, host=host),
        verify=verify,
        max_time_s=max_time,
        seed=seed,
        tune=convert_parse.passes(tune),
    )
    bound, shapes = parse.binding(bind, "convert works at one size"), parse.shapes(shape or ())
    with live(quiet) as tell, on_request(quiet) as asked:
        result = route(
            source, None if dry_run else output, bind=bound, shape=shapes,
            trips=parse.trips(trips or ()), observe=observe, settings=settings,
            force=force, copy_unchanged=copy_unchanged, frontier=frontier,
            on_progress=tell, should_stop=asked,
        )  # fmt: skip
    view = View(screen=screen(report is not None))
    emit(renderer("convert", format_)(result, view), report)
    _end(result, quiet, dry_run=dry_run or output is None)


def _check(source: str, model: Path | None, report: Path | None, *, wants_model: bool) -> None:
    """Refuse contradictory arguments before spending minutes on the work."""
    if model is None and wants_model:
        raise SepcostError("no output file; add -o OUT.onnx, or --dry-run to plan only")
    refuse_report_name(model)
    refuse_sources(report, [source])
    if report is not None:
        refuse_unwritable(report)


def _end(result: Conversion, quiet: bool, *, dry_run: bool) -> None:
    from sepcost.report.convert.words import notes

    if result.missed:
        said = dry_run or result.written or "was not written" in result.missed
        kept = "" if said else "; no model was written (--force writes it)"
        say(f"sepcost: {result.missed}{kept}")
    if not quiet:
        for line in notes(result):
            if line != result.missed:
                note(line)
    if result.missed:
        raise typer.Exit(MISSED)
