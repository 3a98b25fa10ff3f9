"""``sepcost convert``: replace regular convolutions by separable ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sepcost.cli import convert_parse, parse
from sepcost.cli.convert_parse import Goals
from sepcost.cli.guard import note, say
from sepcost.cli.options import conversion, files, models, running, words
from sepcost.cli.options.words import Format
from sepcost.cli.output import emit, refuse_sources, refuse_terminal, refuse_unwritable
from sepcost.cli.screen import screen
from sepcost.errors import SepcostError

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
    init: conversion.Init = words.Init.FACTORS,
    select: conversion.Select = None,
    skip: conversion.Skip = None,
    reduce: conversion.Reduce = None,
    forms: conversion.Forms = None,
    emit_: conversion.Emit = None,
    calibrate: conversion.Calibrate = None,
    mean: conversion.Mean = None,
    std: conversion.Std = None,
    size: conversion.Size = None,
    layout: conversion.Layout = None,
    bind: models.Bind = None,
    shape: models.Shape = None,
    inputs: models.Inputs = None,
    provider: running.Provider = None,
    provider_option: running.ProviderOption = None,
    threads: running.Threads = 1,
    verify: running.Verify = True,
    max_time: running.MaxTime = 30.0,
    seed: running.Seed = 0,
    to: files.To = None,
    dry_run: files.DryRun = False,
    frontier: files.Frontier = False,
    force: files.Force = False,
    format_: files.Format = Format.TABLE,
    output: files.Output = None,
    quiet: files.Quiet = False,
) -> None:
    """Replace regular convolutions by separable ones, and measure what it costs and gains.

    [bold]sepcost convert m.onnx --to out.onnx --rank full[/]
    [bold]sepcost convert m.onnx --to out.onnx --speedup 2 --calibrate x.npz[/]
    [bold]sepcost convert m.onnx --to out.onnx --max-drop 1% --calibrate x.npz[/]
    [bold]sepcost convert m.onnx --macs 0.5 --calibrate x.npz --dry-run[/]
    [bold]sepcost convert m.onnx --frontier -f html -o report.html[/]

    Without calibration data it uses the weights alone and loses far more accuracy.
    With it, the result is judged on held-out samples, and --inputs is not used.
    If the goal is not met, no model is written (exit 1) unless you add --force.
    """
    from sepcost.cli.convert_progress import live
    from sepcost.latency.jobs import Runtime
    from sepcost.routes.convert import convert as route
    from sepcost.separable.data.images import ImageFormat
    from sepcost.separable.settings import ConvertSettings, Saving

    _check(source, to, output, wants_model=not (dry_run or frontier))
    refuse_terminal(format_, output)
    providers = parse.providers(provider)
    chosen = parse.provider_options(provider_option or (), providers)
    settings = ConvertSettings(
        goal=convert_parse.goal(Goals(rank, max_error, max_drop, speedup, macs)),
        reduce=Saving(reduce) if reduce else None,
        select=tuple(select or ()),
        skip=tuple(skip or ()),
        forms=convert_parse.forms(forms),
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
        runtime=Runtime(providers, chosen, {}, threads),
        verify=verify,
        max_time_s=max_time,
        seed=seed,
    )
    bound, shapes = parse.binding(bind, "convert works at one size"), parse.shapes(shape or ())
    with live(quiet) as tell:
        found = route(
            source, None if dry_run else to, bind=bound, shape=shapes, settings=settings,
            force=force, frontier=frontier, on_progress=tell,
        )  # fmt: skip
    emit(RENDER[format_](found, output), output)
    _end(found, quiet)


def _check(source: str, to: Path | None, output: Path | None, *, wants_model: bool) -> None:
    """Refuse contradictory arguments before spending minutes on the work."""
    if output is not None and output.suffix == ".onnx":
        raise SepcostError(f"-o {output}: takes the report; write the model with --to {output}")
    if to is None and wants_model:
        raise SepcostError("no file for the model: add --to FILE.onnx, or --dry-run to only plan")
    refuse_sources(output, [source])
    if output is not None:
        refuse_unwritable(output)


def _end(found: Conversion, quiet: bool) -> None:
    from sepcost.report.convert_markdown import notes

    if found.missed:
        kept = "" if found.written else "; nothing was written"
        say(f"sepcost: {found.missed}{kept}")
    if not quiet:
        for line in notes(found):
            if line != found.missed:
                note(line)
    if found.missed:
        raise typer.Exit(MISSED)


def _table(found: Conversion, report: Path | None) -> str:
    from sepcost.cli import convert_tables

    return convert_tables.render(found, screen(report is not None))


def _json(found: Conversion, _: Path | None) -> str:
    from sepcost.report import convert_json

    return convert_json.render(found)


def _csv(found: Conversion, _: Path | None) -> str:
    from sepcost.report import convert_csv

    return convert_csv.render(found)


def _markdown(found: Conversion, _: Path | None) -> str:
    from sepcost.report import convert_markdown

    return convert_markdown.render(found)


def _html(found: Conversion, _: Path | None) -> str:
    from sepcost.report.html import convert as page

    return page.render(found)


RENDER: Mapping[Format, Callable[[Conversion, Path | None], str]] = {
    Format.TABLE: _table,
    Format.JSON: _json,
    Format.CSV: _csv,
    Format.MARKDOWN: _markdown,
    Format.HTML: _html,
}
