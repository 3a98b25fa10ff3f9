"""``sepcost networks``: what ships, and how to get one as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli import complete, options
from sepcost.cli.guard import say
from sepcost.cli.output import emit, write
from sepcost.cli.progress import progress
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View


def networks(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            show_default=False,
            autocompletion=complete.network,
            help="One of them.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write NAME as an ONNX model."),
    ] = None,
    alpha: options.Alpha = None,
    rho: options.Rho = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """List the networks that ship with sepcost, show one's layer spec, or write it as ONNX.

    [bold]sepcost networks[/]                                      what there is
    [bold]sepcost networks mobilenet-v1[/]                         its spec, to start from
    [bold]sepcost networks mobilenet-v1 -o m.onnx --alpha 0.5[/]   with seeded weights
    """
    if name is None:
        if output or alpha or rho:
            raise SepcostError("name the network: sepcost networks NAME -o FILE")
        _list(quiet)
    elif output is None:
        if alpha or rho:
            raise SepcostError("--alpha and --rho thin the model that -o FILE writes: add -o FILE")
        _show(name)
    else:
        _write(name, output, (alpha, rho), force, quiet)


def _list(quiet: bool) -> None:
    from sepcost.model import spec
    from sepcost.routes.analyze import analyze

    with progress("counting the shipped networks", quiet):
        found = [(info.description, analyze(info.name)) for info in spec.networks()]
    emit(renderer("networks", "table")(found, View(screen=screen(to_file=False))), None)


def _show(name: str) -> None:
    from sepcost.model import spec

    emit(spec.find(name).read_text(encoding="utf-8"), None)


def _write(
    name: str,
    output: Path,
    multipliers: tuple[float | None, float | None],
    force: bool,
    quiet: bool,
) -> None:
    """Build the model with its weights; refuse to overwrite unless told to."""
    from sepcost.model import spec

    if output.exists() and not force:
        raise SepcostError(f"{output}: exists already; --force overwrites it")
    alpha, rho = multipliers
    with progress(f"building {name}", quiet):
        data = spec.build(spec.find(name), alpha=alpha, rho=rho).SerializeToString()
        write(data, output)
    if not quiet:
        say(f"wrote {output} ({len(data) / 1e6:.1f} MB)")
