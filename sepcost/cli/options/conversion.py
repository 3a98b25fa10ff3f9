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
        help="Replace every eligible convolution with R depthwise-pointwise pairs; full is exact.",
    ),
]
MaxError = Annotated[
    str | None,
    typer.Option(
        metavar="ERROR",
        rich_help_panel=GOAL,
        show_default="2% if no other goal is given",
        help="Cheapest model with at most this output error, relative to the spread (standard "
        "deviation) of the outputs; for example 2%.",
    ),
]
MaxDrop = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT",
        rich_help_panel=GOAL,
        help="Cheapest model that loses at most this many points of the metric on held-out "
        "samples; for example 1% (1 point; with psnr, 1 dB).",
    ),
]
Speedup = Annotated[
    float | None,
    typer.Option(
        metavar="FACTOR",
        rich_help_panel=GOAL,
        help="Most accurate model with at least this measured speed-up; 2 is twice as fast.",
    ),
]
Macs = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=GOAL,
        help="Most accurate model with at most this share of the original's MACs; for example 0.5 "
        "or 50%.",
    ),
]
Params = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=GOAL,
        help="Most accurate model with at most this share of the original's params; for example "
        "0.5 or 50%.",
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=GOAL,
        show_default="chosen to suit the model and the data",
        help="Score that judges the result: top1 (needs labels), agreement, text (CTC), boxes, "
        "error, psnr, or your own MODULE:FUNCTION.",
    ),
]
ClassOutput = Annotated[
    str | None,
    typer.Option(
        "--class-output",
        metavar="NAME",
        rich_help_panel=GOAL,
        show_default="detected from probabilities or labels",
        help="Name of the output that holds the class scores.",
    ),
]
Init = Annotated[
    words.Init,
    typer.Option(
        rich_help_panel=GOAL,
        help="With --rank: derive the new weights from the original's (factors), or draw random "
        "ones, to be trained (random).",
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
        show_default="latency with --speedup, params with --params, otherwise macs",
        help="Replace a layer only if that reduces its MACs, its params, or its measured latency.",
    ),
]
Forms = Annotated[
    str | None,
    typer.Option(
        metavar="FORM[,FORM]...",
        rich_help_panel=LAYERS,
        show_default="all except bottleneck, which is not separable",
        help="What a convolution may become: depthwise-pointwise, pointwise-depthwise, "
        "block-pointwise, depthwise-bottleneck, bottleneck.",
    ),
]
Dense = Annotated[
    bool,
    typer.Option(
        "--dense",
        rich_help_panel=LAYERS,
        help="Also convert dense layers (Gemm and MatMul with a constant matrix), each into "
        "two smaller ones, a low-rank factorisation (form bottleneck).",
    ),
]
Emit = Annotated[
    words.Emitted | None,
    typer.Option(
        "--emit",
        rich_help_panel=LAYERS,
        show_default="the fastest",
        help="Which nodes to use for ranks above 1, where a form has several equivalent layouts.",
    ),
]
Calibrate = Annotated[
    Path | None,
    typer.Option(
        metavar="DATA",
        rich_help_panel=CALIBRATION,
        help="Calibration data: an .npz file with one array per input (and 'labels', if known), or "
        "a folder of .npy files or images (in one subfolder per class, if known). To keep "
        "related samples together, such as crops of one picture, add an array 'groups' with the "
        "group of each sample, or give each group its own subfolder in the class folder.",
    ),
]
Tune = Annotated[
    str,
    typer.Option(
        metavar="auto|off|SAMPLES",
        rich_help_panel=CALIBRATION,
        help="Final tuning of all new weights together, to reproduce the original's outputs. auto: "
        "if a lot of accuracy is lost; off: never; SAMPLES: on this many, counting repeats.",
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(
        metavar="M[,M,M]",
        rich_help_panel=CALIBRATION,
        help="Mean per channel, for images scaled to the range 0 to 1.",
    ),
]
Std = Annotated[
    str | None,
    typer.Option(
        metavar="S[,S,S]",
        rich_help_panel=CALIBRATION,
        help="Standard deviation per channel, for images scaled to the range 0 to 1.",
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="HxW",
        rich_help_panel=CALIBRATION,
        show_default="the model's input size",
        help="Resize images to HxW.",
    ),
]
Layout = Annotated[
    words.ImageLayout | None,
    typer.Option(
        rich_help_panel=CALIBRATION,
        show_default="inferred from the model's input",
        help="Axis order of image inputs.",
    ),
]
