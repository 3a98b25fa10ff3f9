"""Running models: execution providers, threads, measurement."""

from __future__ import annotations

from typing import Annotated

import typer

from sepcost.cli import complete
from sepcost.cli.options import words
from sepcost.cli.options.words import MEASUREMENT, RUNTIME

Provider = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME]...",
        rich_help_panel=RUNTIME,
        show_default="cpu",
        help="Execution providers in order of preference; 'sepcost providers' lists them.",
    ),
]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PROVIDER:]KEY=VALUE",
        rich_help_panel=RUNTIME,
        help="Option of an execution provider; without PROVIDER, of the first one.",
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=RUNTIME,
        help="Threads of ONNX Runtime; 0 lets it choose.",
    ),
]
OptimizationLevel = Annotated[
    words.Optimization,
    typer.Option(
        metavar="LEVEL",
        rich_help_panel=RUNTIME,
        help="Graph optimizations: disable, basic, extended or all.",
    ),
]
SessionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        rich_help_panel=RUNTIME,
        help="Session configuration entry, e.g. session.disable_prepacking=1.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        rich_help_panel=RUNTIME,
        help="Exit 3 if a node falls back to a provider that --provider does not name.",
    ),
]
AllowFallback = Annotated[
    bool,
    typer.Option(
        "--allow-fallback",
        rich_help_panel=RUNTIME,
        help="Measure on the CPU if --provider runs no node of a model; otherwise exit 3.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        rich_help_panel=MEASUREMENT,
        show_default="the first",
        autocompletion=complete.source,
        help="Compare the other sources with this one.",
    ),
]
PrecisionTarget = Annotated[
    str,
    typer.Option(
        metavar="PERCENT",
        rich_help_panel=MEASUREMENT,
        help="Stop measuring once the 95 % interval is within ± this.",
    ),
]
MaxTime = Annotated[
    float,
    typer.Option(
        min=0.1,
        metavar="S",
        rich_help_panel=MEASUREMENT,
        help="Stop measuring after about this many seconds.",
    ),
]
Launches = Annotated[
    int,
    typer.Option(
        min=1, metavar="N", rich_help_panel=MEASUREMENT, help="Launch at least this many processes."
    ),
]
Percentiles = Annotated[
    str,
    typer.Option(
        metavar="P,P,...",
        rich_help_panel=MEASUREMENT,
        help="Percentiles of all runs, including those disturbed by other programs.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        min=1,
        metavar="S",
        rich_help_panel=MEASUREMENT,
        help="Exit 3 if one step, such as loading or a run, takes more than this many seconds.",
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify",
        rich_help_panel=MEASUREMENT,
        help="Compare all outputs and measure the latency at the end.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", rich_help_panel=MEASUREMENT, help="Seed of all random numbers."
    ),
]
