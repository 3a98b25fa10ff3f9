"""Running models: execution providers, threads, measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli import complete
from sepcost.cli.options import words
from sepcost.cli.options.words import MEASUREMENT, RUNTIME

_MAX_TIME = "Stop after about this many seconds, with the best result so far."

_HOST = typer.Option(
    metavar="USER@HOST",
    rich_help_panel=RUNTIME,
    show_default="this machine",
    help="Use another machine, through ssh; see 'sepcost host'.",
)
Host = Annotated[str | None, _HOST]
Hosts = Annotated[list[str] | None, _HOST]
Destination = Annotated[
    str,
    typer.Argument(
        metavar="USER@HOST",
        show_default=False,
        help="An ssh destination. Keys, ports and jump hosts come from ~/.ssh/config.",
    ),
]
HostAction = Annotated[
    words.HostAction,
    typer.Argument(
        metavar="setup|check",
        show_default=False,
        help="setup prepares the machine, check shows what is installed there.",
    ),
]
Wheels = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        rich_help_panel=RUNTIME,
        show_default="downloaded by that machine",
        help="setup: install from these wheels, for a machine without a network.",
    ),
]
_PROVIDER = typer.Option(
    metavar="NAME[,NAME]...",
    rich_help_panel=RUNTIME,
    show_default="cpu",
    help="Execution providers, in order of preference; 'sepcost providers' lists them.",
)
Provider = Annotated[str | None, _PROVIDER]
Providers = Annotated[list[str] | None, _PROVIDER]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PROVIDER:]KEY=VALUE",
        rich_help_panel=RUNTIME,
        help="Pass KEY=VALUE to an execution provider: to PROVIDER, or to the first in --provider.",
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=RUNTIME,
        help="Number of ONNX Runtime threads; 0 lets ONNX Runtime choose.",
    ),
]
OptimizationLevel = Annotated[
    words.Optimization,
    typer.Option(
        metavar="LEVEL",
        rich_help_panel=RUNTIME,
        help="Graph optimisations of ONNX Runtime: disable, basic, extended or all.",
    ),
]
SessionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        rich_help_panel=RUNTIME,
        help="Configuration entry of the ONNX Runtime session.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        rich_help_panel=RUNTIME,
        help="Fail (exit 3) if any node runs on a provider that --provider does not name.",
    ),
]
AllowFallback = Annotated[
    bool,
    typer.Option(
        "--allow-fallback",
        rich_help_panel=RUNTIME,
        help="If --provider runs none of a model's nodes, measure it on the CPU instead of failing "
        "(exit 3).",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        rich_help_panel=MEASUREMENT,
        show_default="the first SOURCE",
        autocompletion=complete.source,
        help="Compare the other sources with this one.",
    ),
]
PrecisionTarget = Annotated[
    str,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=MEASUREMENT,
        help="Stop measuring once the 95% interval is within ± this share of the estimate; for "
        "example 1% or 0.01.",
    ),
]
MaxTime = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        metavar="S",
        rich_help_panel=MEASUREMENT,
        show_default="no limit",
        help=_MAX_TIME,
    ),
]
MaxBenchTime = Annotated[
    float,
    typer.Option("--max-time", min=0.1, metavar="S", rich_help_panel=MEASUREMENT, help=_MAX_TIME),
]
Launches = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        rich_help_panel=MEASUREMENT,
        help="Measure in at least N processes, unless --max-time runs out first.",
    ),
]
Percentiles = Annotated[
    str,
    typer.Option(
        metavar="P,P,...",
        rich_help_panel=MEASUREMENT,
        help="Percentiles to report. They include runs disturbed by other programs.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        min=1,
        metavar="S",
        rich_help_panel=MEASUREMENT,
        help="Give up (exit 3) if a step, such as loading or a single run, takes longer than S "
        "seconds.",
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify",
        rich_help_panel=MEASUREMENT,
        help="At the end, compare the outputs with the original's and measure the latency.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", rich_help_panel=MEASUREMENT, help="Seed for all random numbers."
    ),
]
