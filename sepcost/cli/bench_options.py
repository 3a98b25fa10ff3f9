"""The options of ``sepcost bench``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli import complete
from sepcost.cli.options import OUT, VIEW

SOURCE, RUN, HOW = "What to measure", "How to run it", "How to measure"


class Level(StrEnum):
    """How far ONNX Runtime optimises the graph."""

    DISABLE = "disable"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


class ListFormat(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"


Bind = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIM=SIZE",
        rich_help_panel=SOURCE,
        help="Size of a dynamic dimension, in every model that has it.",
    ),
]
ShapeOf = Annotated[
    list[str] | None,
    typer.Option(metavar="INPUT=1x3x224x224", rich_help_panel=SOURCE, help="Shape of an input."),
]
Alpha = Annotated[
    float | None,
    typer.Option(metavar="α", rich_help_panel=SOURCE, help="Width multiplier of layer specs."),
]
Rho = Annotated[
    float | None,
    typer.Option(metavar="ρ", rich_help_panel=SOURCE, help="Resolution multiplier of specs."),
]
Inputs = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz",
        rich_help_panel=SOURCE,
        help="What to feed all models: one array an input. Else seeded random numbers.",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        rich_help_panel=SOURCE,
        show_default="the first",
        autocompletion=complete.source,
        help="The model that the others are compared with.",
    ),
]
Providers = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME[,NAME]...",
        rich_help_panel=RUN,
        show_default="cpu",
        help="Execution providers, in the order of preference; 'sepcost providers' lists them.",
    ),
]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PROVIDER:]KEY=VALUE",
        rich_help_panel=RUN,
        help="An option of a provider: of the first, where none is named.",
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", rich_help_panel=RUN, help="Threads; 0 leaves it to ONNX Runtime."
    ),
]
LevelOption = Annotated[
    Level,
    typer.Option(
        "--optimization-level",
        metavar="LEVEL",
        rich_help_panel=RUN,
        help="Graph optimisations: disable, basic, extended or all.",
    ),
]
SessionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        rich_help_panel=RUN,
        help="A configuration entry, like session.disable_prepacking=1.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        rich_help_panel=RUN,
        help="Exit 3 where a node falls back to a provider that --provider does not name.",
    ),
]
AllowFallback = Annotated[
    bool,
    typer.Option(
        "--allow-fallback",
        rich_help_panel=RUN,
        help="Measure on the CPU where --provider runs no node of a model; else exit 3.",
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        metavar="PERCENT",
        rich_help_panel=HOW,
        help="Stop when the 95% interval is within ± this.",
    ),
]
MaxTime = Annotated[
    float,
    typer.Option(
        min=0.1, metavar="S", rich_help_panel=HOW, help="Or stop after about so many seconds."
    ),
]
Launches = Annotated[
    int,
    typer.Option(min=1, metavar="N", rich_help_panel=HOW, help="Start at least so many processes."),
]
Percentiles = Annotated[
    str,
    typer.Option(
        metavar="P,P,...",
        rich_help_panel=HOW,
        help="Percentiles of all runs, those that other programs disturbed too.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        min=1,
        metavar="S",
        rich_help_panel=HOW,
        help="Exit 3 where one step, such as loading or a run, takes longer than so many seconds.",
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, metavar="N", rich_help_panel=HOW, help="Seed of the random inputs.")
]
Layers = Annotated[
    bool,
    typer.Option(
        "--layers",
        rich_help_panel=VIEW,
        help="Also time each layer, and hold it against the machine's peaks.",
    ),
]
Machine = Annotated[
    bool,
    typer.Option(
        "--machine",
        rich_help_panel=VIEW,
        help="Tell the machine's peaks: measured once, then remembered; with no SOURCE anew.",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=VIEW,
        show_default="at a terminal 30, else all",
        help="With --layers: only those that take longest; 0 for all.",
    ),
]
Samples = Annotated[
    Path | None,
    typer.Option(
        "--export-samples",
        metavar="FILE",
        rich_help_panel=OUT,
        help="Also write every timed run as JSON.",
    ),
]
