"""Arguments and options that commands share, so that they read the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli import complete

SOURCE, VIEW, COUNT, OUT = "What to count", "What to see", "How to count", "Where it goes"


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


class By(StrEnum):
    """What one row stands for."""

    LAYER = "layer"
    OP = "op"
    SCOPE = "scope"
    KERNEL = "kernel"
    MODEL = "model"


class Sort(StrEnum):
    """The order of rows."""

    ORDER = "order"
    MACS = "macs"
    PARAMS = "params"
    BYTES = "bytes"
    ELEMENTWISE = "elementwise"
    INTENSITY = "intensity"
    SAVING = "saving"
    NAME = "name"
    OP = "op"


class Unit(StrEnum):
    """What operations are told in."""

    MACS = "macs"
    FLOPS = "flops"


class Side(StrEnum):
    """Which positions a ConvTranspose is counted at."""

    INPUT = "input"
    OUTPUT = "output"


class Branch(StrEnum):
    """Which branches of an If count."""

    MAX = "max"
    SUM = "sum"
    THEN = "then"
    ELSE = "else"


Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        autocompletion=complete.source,
        help="ONNX files, TOML layer specs, names of shipped networks, - for stdin.",
    ),
]
Bind = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIM=SIZE[,SIZE]...",
        rich_help_panel=SOURCE,
        help="Size of a dynamic dimension; several sizes make a sweep, one row each.",
    ),
]
ShapeOf = Annotated[
    list[str] | None,
    typer.Option(metavar="INPUT=1x3x224x224", rich_help_panel=SOURCE, help="Shape of an input."),
]
Trips = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=COUNT",
        rich_help_panel=SOURCE,
        help="How often a Loop or Scan runs, where the model does not say.",
    ),
]
Observe = Annotated[
    bool,
    typer.Option(
        "--observe",
        rich_help_panel=SOURCE,
        help="Run the model once on random inputs, to learn shapes that depend on data.",
    ),
]
Inputs = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz",
        rich_help_panel=SOURCE,
        help="Observe a run on these: one array an input.",
    ),
]
Conv = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KERNEL,M,N,SIZE",
        rich_help_panel=SOURCE,
        help="A single convolution in place of a file: 3x3,512,512,14 takes M=512 channels of a "
        "14×14 feature map to N=512, 'same' padding; add ,stride=2 ,dilation=2 or ,group=32.",
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(metavar="α", rich_help_panel=SOURCE, help="Width multiplier of a spec or --conv."),
]
Rho = Annotated[
    float | None,
    typer.Option(
        metavar="ρ", rich_help_panel=SOURCE, help="Resolution multiplier of a spec or --conv."
    ),
]
ByOption = Annotated[
    By | None,
    typer.Option(
        "--by",
        metavar="WHAT",
        rich_help_panel=VIEW,
        show_default="layer; model in a sweep",
        help="One row for each layer, op, scope, kernel or model.",
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", rich_help_panel=VIEW, help="With --by scope: parts of the path to keep."
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=VIEW,
        show_default="at a terminal the 30 dearest, else all",
        help="Only the first rows by --sort (by MACs, where that sorts by text); 0 for all.",
    ),
]
SortOption = Annotated[
    Sort | None,
    typer.Option(
        "--sort",
        metavar="KEY",
        rich_help_panel=VIEW,
        show_default="order; macs with --by",
        help="order (of execution), macs, params, bytes, elementwise, intensity, "
        "saving (MACs that separating saves), name or op.",
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        metavar="KIND|GLOB",
        rich_help_panel=VIEW,
        help="Only rows of a kind (conv, depthwise, pointwise, eligible, counted, free, unknown) "
        "or whose op type matches, like 'Q*'. Totals stay those of the whole model.",
    ),
]
UnitOption = Annotated[
    Unit,
    typer.Option(
        "--unit",
        rich_help_panel=VIEW,
        help="For tables and Markdown; FLOPs are 2 × MACs. JSON and CSV carry both.",
    ),
]
Operators = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:NAME",
        rich_help_panel=COUNT,
        help="Formulas of your own: a dict {(domain, op_type): function of a layer}. "
        "Imports MODULE, also from the current folder.",
    ),
]
ConvTranspose = Annotated[
    Side, typer.Option(rich_help_panel=COUNT, help="Positions to count a ConvTranspose at.")
]
CountBias = Annotated[
    bool,
    typer.Option("--count-bias", rich_help_panel=COUNT, help="One more MAC for each bias added."),
]
If = Annotated[
    Branch,
    typer.Option("--if", rich_help_panel=COUNT, help="Which branch of an If counts."),
]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", rich_help_panel=OUT, help="How to write the report.")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", rich_help_panel=OUT, help="Else stdout."),
]
Netron = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=OUT,
        help="Also write an attachment for Netron: drop it on the open model.",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=OUT, help="No warnings and no progress."),
]
