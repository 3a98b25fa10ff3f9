"""Budgets, and how they are checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli.options import words
from sepcost.cli.options.words import BUDGETS, CHECKING, COUNTING

MaxMacs = Annotated[
    str | None,
    typer.Option(metavar="600M", rich_help_panel=BUDGETS, help="Fail above this many MACs."),
]
MaxFlops = Annotated[
    str | None,
    typer.Option(
        metavar="1.2G", rich_help_panel=BUDGETS, help="Fail above this many FLOPs (2 per MAC)."
    ),
]
MaxParams = Annotated[
    str | None,
    typer.Option(metavar="4.2M", rich_help_panel=BUDGETS, help="Fail above this many params."),
]
MaxFileSize = Annotated[
    str | None,
    typer.Option(
        metavar="10MB",
        rich_help_panel=BUDGETS,
        help="Fail above this size on disk, including external data.",
    ),
]
MaxPeakActivations = Annotated[
    str | None,
    typer.Option(
        metavar="8MB",
        rich_help_panel=BUDGETS,
        help="Fail above this peak size of activations.",
    ),
]
MaxSeparableHeadroom = Annotated[
    str | None,
    typer.Option(
        metavar="2x",
        rich_help_panel=BUDGETS,
        help="Fail if converting could still cut MACs by more than this factor.",
    ),
]
MaxLatency = Annotated[
    str | None,
    typer.Option(
        metavar="12ms",
        rich_help_panel=BUDGETS,
        help="Fail above this latency, measured with ONNX Runtime.",
    ),
]
ForbidOp = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OP",
        rich_help_panel=BUDGETS,
        help="Fail if the model has this operator: a name, domain::name, or a glob.",
    ),
]
Budget = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METRIC=VALUE",
        rich_help_panel=BUDGETS,
        help="Any budget that a configuration file can set, such as weights=4MiB, "
        "macs-vs-baseline=+1% or per-layer.macs=20%.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=CHECKING,
        show_default="sepcost.toml or pyproject.toml in the working folder, or in the nearest "
        "parent folder",
        help="Read the budgets from this file.",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="git:REV|FILE",
        rich_help_panel=CHECKING,
        help="Reference for METRIC-vs-baseline budgets: the same model at a git "
        "revision, another model, or a JSON file written by --update.",
    ),
]
Update = Annotated[
    bool,
    typer.Option(
        "--update",
        rich_help_panel=CHECKING,
        help="Write the counts to the JSON baseline. Values in it are only lowered, never raised.",
    ),
]
Loosen = Annotated[
    bool,
    typer.Option("--loosen", rich_help_panel=CHECKING, help="With --update: also raise values."),
]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact", rich_help_panel=CHECKING, help="Skip budgets that require running the model."
    ),
]
AllowUnknown = Annotated[
    bool | None,
    typer.Option(
        "--allow-unknown/--no-allow-unknown",
        rich_help_panel=CHECKING,
        show_default="as configured, otherwise no",
        help="If a count is only a lower bound, pass with a warning instead of failing.",
    ),
]
Inconclusive = Annotated[
    words.Inconclusive | None,
    typer.Option(
        rich_help_panel=CHECKING,
        show_default="as configured, otherwise warn",
        help="Status of a measurement whose interval contains the limit: warn, fail or ok.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        rich_help_panel=COUNTING,
        show_default="auto",
        help="Number of models to count in parallel.",
    ),
]
