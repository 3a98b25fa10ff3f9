"""The ``sepcost`` command and what holds for all of its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from sepcost import __version__
from sepcost.cli.analyze import analyze
from sepcost.cli.bench import bench, providers
from sepcost.cli.check import check
from sepcost.cli.convert import convert
from sepcost.cli.diff import diff
from sepcost.cli.guard import Guarded
from sepcost.cli.networks import networks
from sepcost.cli.report import report

app = typer.Typer(
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(analyze)
app.command()(bench)
app.command()(check)
app.command()(convert)
app.command()(diff)
app.command()(networks)
app.command()(providers)
app.command()(report)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sepcost {__version__}")
        raise typer.Exit


@app.callback()
def sepcost(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """What depthwise-separable convolution would save in your ONNX model.

    [bold]sepcost analyze mobilenet-v1[/]       a network that ships with sepcost
    [bold]sepcost analyze model.onnx[/]         your own
    [bold]sepcost networks[/]                   which ones ship

    Exit codes: 0 done, 1 a budget is broken or a goal missed, 2 usage or input error,
    3 measurement failed.
    """
