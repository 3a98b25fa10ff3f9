"""The options of ``sepcost bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli.options import OUT, SOURCE, VIEW

RUN, HOW = "How to run it", "How to measure"

Inputs = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz",
        rich_help_panel=SOURCE,
        help="One array an input, for all models; else seeded random numbers.",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        rich_help_panel=SOURCE,
        show_default="the first",
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
        help="Execution providers, the first is asked first: cpu, cuda, tensorrt, openvino, "
        "coreml, dml, ... 'sepcost providers' lists those usable here.",
    ),
]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PROVIDER:]KEY=VALUE",
        rich_help_panel=RUN,
        help="An option of the (first) provider.",
    ),
]
Threads = Annotated[
    int,
    typer.Option(min=0, metavar="N", rich_help_panel=RUN, help="0 leaves it to ONNX Runtime."),
]
Level = Annotated[
    str,
    typer.Option(
        metavar="LEVEL",
        rich_help_panel=RUN,
        help="Graph optimisations: disable, basic, extended or all.",
    ),
]
SessionOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", rich_help_panel=RUN, help="A session configuration entry."),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", rich_help_panel=RUN, help="Fail (exit 3) where a node falls back elsewhere."
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        metavar="PERCENT",
        rich_help_panel=HOW,
        help="Stop when the 95% interval is this narrow (its half-width).",
    ),
]
MaxTime = Annotated[
    float, typer.Option(min=0.1, metavar="S", rich_help_panel=HOW, help="Stop after this time.")
]
Launches = Annotated[
    int, typer.Option(min=1, metavar="N", rich_help_panel=HOW, help="Processes at the least.")
]
Percentiles = Annotated[
    str, typer.Option(metavar="P,P,...", rich_help_panel=HOW, help="Of all runs, as seen here.")
]
Timeout = Annotated[
    float,
    typer.Option(
        min=1, metavar="S", rich_help_panel=HOW, help="A model silent for so long is hanging."
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, metavar="N", rich_help_panel=HOW, help="Of the random inputs.")
]
Layers = Annotated[
    bool,
    typer.Option(
        "--layers",
        rich_help_panel=VIEW,
        help="Also time each layer, against the roofline.",
    ),
]
Machine = Annotated[
    bool,
    typer.Option(
        "--machine",
        rich_help_panel=VIEW,
        help="Also measure what this machine can do at most (once; then it is remembered).",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=VIEW,
        show_default="at a terminal the 30 that take longest, else all",
        help="With --layers: only the dearest; 0 for all.",
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
