"""The ``sepcost`` command: its subcommands, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Annotated, NamedTuple

import typer

from sepcost import __version__
from sepcost.cli.guard import Guarded
from sepcost.cli.lighter_help import import_help


class Command(NamedTuple):
    """Where a command is, and the first line of its help."""

    module: str
    summary: str


COMMANDS: Mapping[str, Command] = {
    "analyze": Command(
        "sepcost.cli.analyze",
        "Count MACs, params and memory, as is and with separable convolutions.",
    ),
    "bench": Command("sepcost.cli.bench", "Measure latency with ONNX Runtime, and compare models."),
    "check": Command(
        "sepcost.cli.check", "Fail if a model exceeds its budgets, for example in CI."
    ),
    "convert": Command(
        "sepcost.cli.convert",
        "Replace convolutions with separable ones, and measure the result.",
    ),
    "diff": Command("sepcost.cli.diff", "Compare two models layer by layer."),
    "host": Command(
        "sepcost.cli.host", "Prepare another machine for --host, or show what is installed there."
    ),
    "networks": Command(
        "sepcost.cli.networks",
        "List the shipped networks, print a layer spec, or write an ONNX model.",
    ),
    "providers": Command(
        "sepcost.cli.bench",
        "List the execution providers that work here, and how to get others.",
    ),
    "report": Command(
        "sepcost.cli.report", "Write one HTML page with cost, latency and possible savings."
    ),
}
HELP = frozenset({"-h", "--help"})


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Build the command line, only with what ``words`` need of it.

    If they start with a command, it has no other; if they ask for help, its commands are empty.
    Importing and setting up all would take a tenth of a short command's time.
    """
    app = typer.Typer(
        cls=Guarded,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(sepcost)
    if HELP.intersection(words):
        import_help()
    if len(words) == 1 and words[0] in HELP:
        for name, command in COMMANDS.items():
            app.command(name, help=command.summary)(lambda: None)
        return app
    called = [words[0]] if words and words[0] in COMMANDS else list(COMMANDS)
    for name in called:
        app.command(name)(getattr(import_module(COMMANDS[name].module), name))
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
    """Count and measure the cost of ONNX models; reduce it with separable convolutions.

    [bold]sepcost analyze mobilenet-v1[/]     a network that ships with sepcost
    [bold]sepcost analyze model.onnx[/]       your own model
    [bold]sepcost networks[/]                 list the shipped networks

    -o FILE writes the main output: the model (convert, networks), the machine file
    (bench --machine -o FILE.toml) or the report (all others). -r FILE always writes
    the report; networks has none.

    Exit codes: 0 success, 1 a budget or goal is not met, or not shown to be met,
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
