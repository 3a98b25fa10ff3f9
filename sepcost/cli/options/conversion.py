"""Conversion: the goal, the layers and the calibration data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli.options import words
from sepcost.cli.options.words import CALIBRATION, GOAL, LAYERS

Rank = Annotated[
    str | None,
    typer.Option(
        metavar="R|full",
        rich_help_panel=GOAL,
        help="Turn every eligible convolution into R depthwise + pointwise pairs; full is exact.",
    ),
]
MaxError = Annotated[
    str | None,
    typer.Option(
        metavar="ERROR",
        rich_help_panel=GOAL,
        show_default="0.02 if no other goal is given",
        help="Cheapest model whose outputs stay within this error, relative to their spread: 2%.",
    ),
]
MaxDrop = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT",
        rich_help_panel=GOAL,
        help="Cheapest model that loses at most this many points by the metric, shown on held-out "
        "samples: 1%.",
    ),
]
Speedup = Annotated[
    float | None,
    typer.Option(
        metavar="FACTOR",
        rich_help_panel=GOAL,
        help="Most accurate model with this measured speed-up: 2 is twice as fast.",
    ),
]
Macs = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=GOAL,
        help="Most accurate model with at most this share of the MACs: 0.5 or 50%.",
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=GOAL,
        show_default="by the model and the data",
        help="How results are judged: top1 (needs labels), agreement, text (CTC), boxes, error, "
        "psnr, or MODULE:FUNCTION of your own.",
    ),
]
ClassOutput = Annotated[
    str | None,
    typer.Option(
        "--class-output",
        metavar="NAME",
        rich_help_panel=GOAL,
        show_default="probabilities, or what the labels agree with",
        help="The output that holds the classes.",
    ),
]
Init = Annotated[
    words.Init,
    typer.Option(
        rich_help_panel=GOAL,
        help="With --rank: weights from the original, or random ones to train.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        rich_help_panel=LAYERS,
        help="Convert only layers whose name or id matches.",
    ),
]
Skip = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB", rich_help_panel=LAYERS, help="Skip layers whose name or id matches."
    ),
]
Reduce = Annotated[
    words.Reduced | None,
    typer.Option(
        rich_help_panel=LAYERS,
        show_default="latency with --speedup, else macs",
        help="Replace a layer only if this decreases: MACs, or latency measured on this machine.",
    ),
]
Forms = Annotated[
    str | None,
    typer.Option(
        metavar="FORM[,FORM]...",
        rich_help_panel=LAYERS,
        show_default="all but bottleneck, which is not separable",
        help="Forms that layers may take: depthwise-pointwise, pointwise-depthwise, "
        "block-pointwise, depthwise-bottleneck, bottleneck.",
    ),
]
Emit = Annotated[
    words.Emitted | None,
    typer.Option(
        "--emit",
        rich_help_panel=LAYERS,
        show_default="the fastest",
        help="How to write a rank above 1, if the form allows it.",
    ),
]
Calibrate = Annotated[
    Path | None,
    typer.Option(
        metavar="DATA",
        rich_help_panel=CALIBRATION,
        help="An .npz with one array per input (and 'labels', if known), or a folder of .npy files "
        "or images (in one subfolder per class, if known).",
    ),
]
Tune = Annotated[
    str,
    typer.Option(
        metavar="auto|off|PASSES",
        rich_help_panel=CALIBRATION,
        help="Tune all new weights together at the end, to answer as the original does: where it "
        "gains, never, or with this many passes of samples.",
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(
        metavar="M[,M,M]",
        rich_help_panel=CALIBRATION,
        help="Per-channel mean, for images scaled to 0-1.",
    ),
]
Std = Annotated[
    str | None,
    typer.Option(
        metavar="S[,S,S]",
        rich_help_panel=CALIBRATION,
        help="Per-channel standard deviation, for images scaled to 0-1.",
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="HxW",
        rich_help_panel=CALIBRATION,
        show_default="the model's own",
        help="Resize images to HxW.",
    ),
]
Layout = Annotated[
    words.ImageLayout | None,
    typer.Option(
        rich_help_panel=CALIBRATION,
        show_default="inferred from the model's input",
        help="Axis order of the images.",
    ),
]
