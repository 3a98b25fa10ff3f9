"""The ``sepcost`` command: its subcommands, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Annotated

import typer

from sepcost import __version__
from sepcost.cli.guard import Guarded

#: The module of each command.
COMMANDS: Mapping[str, str] = {
    "analyze": "sepcost.cli.analyze",
    "bench": "sepcost.cli.bench",
    "check": "sepcost.cli.check",
    "convert": "sepcost.cli.convert",
    "diff": "sepcost.cli.diff",
    "host": "sepcost.cli.host",
    "networks": "sepcost.cli.networks",
    "providers": "sepcost.cli.bench",
    "report": "sepcost.cli.report",
}


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Build the command line; if ``words`` start with a command, only with that one.

    Importing and setting up the others would take a tenth of a short command's time.
    """
    app = typer.Typer(
        cls=Guarded,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(sepcost)
    called = [words[0]] if words and words[0] in COMMANDS else list(COMMANDS)
    for name in called:
        app.command(name)(getattr(import_module(COMMANDS[name]), name))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sepcost {__version__}")
        raise typer.Exit


def sepcost(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Count, measure and reduce the cost of ONNX models with separable convolutions.

    [bold]sepcost analyze mobilenet-v1[/]     a network that ships with sepcost
    [bold]sepcost analyze model.onnx[/]       your own model
    [bold]sepcost networks[/]                 list the shipped networks

    In every command but networks, -r FILE writes the report. -o FILE writes the
    model in convert and networks, the machine file in bench --machine, and the
    report everywhere else.

    Exit codes: 0 success, 1 a budget is exceeded or a goal is not met,
    2 usage or input error, 3 a measurement failed, 130 interrupted by Ctrl-C.
    """


@cache
def _whole() -> typer.Typer:
    return build()


def __getattr__(name: str) -> typer.Typer:
    """Build ``app``, the whole command line, on first use."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _whole()
