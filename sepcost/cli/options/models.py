"""Models, their shapes and their inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli import complete
from sepcost.cli.options.words import MODEL

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        show_default=False,
        autocompletion=complete.source,
        help="ONNX files, TOML layer specs, shipped networks, folders, globs, or - for stdin.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        show_default=False,
        autocompletion=complete.source,
        help="ONNX files, TOML layer specs, shipped networks, or - for stdin.",
    ),
]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        autocompletion=complete.source,
        help="ONNX file, TOML layer spec, shipped network, or - for stdin.",
    ),
]
NamedSource = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        autocompletion=complete.source,
        help="ONNX file, TOML layer spec or shipped network.",
    ),
]
Old = Annotated[
    str,
    typer.Argument(
        metavar="OLD",
        autocompletion=complete.source,
        help="ONNX file, TOML layer spec, shipped network, or git:REV: the file NEW as it was at "
        "that revision.",
    ),
]
New = Annotated[
    str,
    typer.Argument(
        metavar="NEW",
        autocompletion=complete.source,
        help="ONNX file, TOML layer spec or shipped network; compared with OLD. A git revision "
        "can only be OLD.",
    ),
]
Network = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        show_default=False,
        autocompletion=complete.network,
        help="Name of a shipped network.",
    ),
]
Bind = Annotated[
    list[str] | None,
    typer.Option(metavar="DIM=SIZE", rich_help_panel=MODEL, help="Size of a dynamic dimension."),
]
Sweep = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIM=SIZE[,SIZE]...",
        rich_help_panel=MODEL,
        help="Size of a dynamic dimension; several sizes give one row each. A range FIRST:LAST or "
        "FIRST:LAST:STEP gives the minimum and maximum of each total and the sizes at which they "
        "occur; every size is counted (at most 1000). With several sources, it applies to those "
        "that have the dimension.",
    ),
]
BindRange = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIM=SIZE",
        rich_help_panel=MODEL,
        help="Size of a dynamic dimension. Over a range FIRST:LAST[:STEP], every size is counted, "
        "and the worst one must be within budget.",
    ),
]
Shape = Annotated[
    list[str] | None,
    typer.Option(metavar="INPUT=1x3x224x224", rich_help_panel=MODEL, help="Shape of an input."),
]
NamedShape = Annotated[
    list[str] | None,
    typer.Option(
        metavar="INPUT=1x3x224x224",
        rich_help_panel=MODEL,
        help="Shape of an input. Write a name instead of a size, as in INPUT=1x3xHxW, to name an "
        "unnamed dynamic dimension for --bind and --symbolic.",
    ),
]
On = Annotated[
    Path | None,
    typer.Option(
        "--on",
        metavar="MACHINE.toml",
        rich_help_panel=MODEL,
        help="Print two lower bounds on the latency on another machine: all MACs at its peak "
        "speed, and the roofline. Create MACHINE.toml on that machine: 'sepcost bench "
        "--machine -o MACHINE.toml'. Neither bound is a forecast.",
    ),
]
Memory = Annotated[
    bool,
    typer.Option(
        "--memory",
        rich_help_panel=MODEL,
        help="Place all activations in one arena, reusing memory and running operators in place "
        "where possible, and print its size and each buffer's offset.",
    ),
]
Symbolic = Annotated[
    bool,
    typer.Option(
        "--symbolic",
        rich_help_panel=MODEL,
        help="Print totals and layers as polynomials of the dimensions that --bind leaves free. "
        "They are fitted to exact counts and checked at other sizes; the report says for which "
        "sizes they hold and which costs are not polynomials.",
    ),
]
Trips = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=COUNT",
        rich_help_panel=MODEL,
        help="Number of iterations of a Loop or Scan, where it depends on data.",
    ),
]
Observe = Annotated[
    bool,
    typer.Option(
        "--observe",
        rich_help_panel=MODEL,
        help="Run the model once to find shapes that depend on data.",
    ),
]
Inputs = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz",
        rich_help_panel=MODEL,
        help="Run the model on these inputs instead of random ones: one array per input.",
    ),
]
Conv = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KERNEL,M,N,SIZE",
        rich_help_panel=MODEL,
        help="Count a single convolution instead of a model. 3x3,512,512,14 is a 3×3 kernel from "
        "M=512 to N=512 channels, on a 14×14 feature map with 'same' padding. Append ,stride=2 "
        ",dilation=2 or ,group=32 if needed. Takes --alpha and --rho.",
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(
        metavar="α",
        rich_help_panel=MODEL,
        help="Width multiplier for layer specs and shipped networks.",
    ),
]
Rho = Annotated[
    float | None,
    typer.Option(
        metavar="ρ",
        rich_help_panel=MODEL,
        help="Resolution multiplier for layer specs and shipped networks.",
    ),
]
