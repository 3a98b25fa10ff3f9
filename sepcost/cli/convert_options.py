"""The options of ``sepcost convert``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli import complete
from sepcost.cli.options import OUT, SOURCE

GOAL, LAYERS, DATA, METHOD = "The goal (one)", "Which layers", "Calibration data", "How"


class Init(StrEnum):
    """Where the new weights come from."""

    FACTORS = "factors"
    RANDOM = "random"


class Cost(StrEnum):
    """What a replacement has to save."""

    MACS = "macs"
    LATENCY = "latency"


class Emitted(StrEnum):
    """How a sum of branches is written."""

    SUM = "sum"
    POINTWISE_FIRST = "pointwise-first"
    CONCAT = "concat"
    GROUPED = "grouped"


class Layout(StrEnum):
    """Where the channels of pictures stand."""

    NCHW = "nchw"
    NHWC = "nhwc"


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        autocompletion=complete.source,
        help="An ONNX file, a TOML layer spec, the name of a shipped network, - for stdin.",
    ),
]
Rank = Annotated[
    str | None,
    typer.Option(
        metavar="R|full",
        rich_help_panel=GOAL,
        help="Every eligible convolution as R depthwise + pointwise pairs; full is exact.",
    ),
]
MaxError = Annotated[
    str | None,
    typer.Option(
        metavar="ERROR",
        rich_help_panel=GOAL,
        show_default="0.02, if no other goal is given",
        help="The cheapest model whose output stays within this relative error: 0.02 or 2%.",
    ),
]
MaxDrop = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT",
        rich_help_panel=GOAL,
        help="The cheapest model that loses no more top-1, by labelled calibration data: 1%.",
    ),
]
Speedup = Annotated[
    float | None,
    typer.Option(
        metavar="FACTOR",
        rich_help_panel=GOAL,
        help="The best model that is measured to be this many times faster: 2.",
    ),
]
Macs = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=GOAL,
        help="The best model with no more than this share of the MACs: 0.5 or 50%.",
    ),
]
InitOption = Annotated[
    Init,
    typer.Option(
        "--init",
        rich_help_panel=GOAL,
        help="With --rank: weights from the original, or fresh ones, to be trained.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", rich_help_panel=LAYERS, help="Only layers of such a name or id."),
]
Skip = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", rich_help_panel=LAYERS, help="No layers of such a name or id."),
]
By = Annotated[
    Cost | None,
    typer.Option(
        "--by",
        rich_help_panel=LAYERS,
        show_default="latency with --speedup, else macs",
        help="A layer is replaced where this gets less: MACs, or time measured here.",
    ),
]
Forms = Annotated[
    str | None,
    typer.Option(
        "--forms",
        metavar="FORM[,FORM]...",
        rich_help_panel=LAYERS,
        show_default="depthwise-pointwise,pointwise-depthwise,block-pointwise",
        help="What layers may become; bottleneck is no separable form and off by default.",
    ),
]
Form = Annotated[
    Emitted | None,
    typer.Option(
        "--form",
        rich_help_panel=LAYERS,
        show_default="the fastest",
        help="How a rank above 1 is written, wherever it can be.",
    ),
]
Calibrate = Annotated[
    Path | None,
    typer.Option(
        metavar="DATA",
        rich_help_panel=DATA,
        help="x.npz (one array an input; 'labels' if known), or a folder of .npy files or "
        "pictures (in subfolders by class if known).",
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(metavar="M[,M,M]", rich_help_panel=DATA, help="Of pictures scaled to 0..1."),
]
Std = Annotated[
    str | None,
    typer.Option(metavar="S[,S,S]", rich_help_panel=DATA, help="Of pictures scaled to 0..1."),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="HxW",
        rich_help_panel=DATA,
        show_default="the model's own",
        help="That pictures are brought to.",
    ),
]
LayoutOption = Annotated[
    Layout | None,
    typer.Option(
        "--layout",
        rich_help_panel=DATA,
        show_default="told by the model's input",
        help="Where the channels of pictures go.",
    ),
]
Inputs = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz",
        rich_help_panel=SOURCE,
        help="Verify on these where there are no calibration data: one array an input.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", rich_help_panel=METHOD, help="The plan; nothing is written.")
]
Frontier = Annotated[
    bool,
    typer.Option(
        "--frontier",
        rich_help_panel=METHOD,
        help="Also the whole curve: error against MACs and measured latency.",
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify",
        rich_help_panel=METHOD,
        help="Compare every output and measure the latency in the end.",
    ),
]
MaxTime = Annotated[
    float,
    typer.Option(min=0.1, metavar="S", rich_help_panel=METHOD, help="For that measurement."),
]
Seed = Annotated[
    int,
    typer.Option(min=0, metavar="N", rich_help_panel=METHOD, help="Of sampling and fresh weights."),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="OUT.onnx", rich_help_panel=OUT, help="Where the model goes."
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        rich_help_panel=OUT,
        help="Write over a file that is there, and a model that misses the goal.",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=OUT, help="Where the report goes, else stdout."),
]
