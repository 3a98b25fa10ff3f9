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
        help="ONNX file, TOML layer spec or shipped network; compared with OLD.",
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
        "FIRST:LAST:STEP gives the least and the most of each total, and where: every size is "
        "counted, at most 1000. With several sources, it applies to those that have the dimension.",
    ),
]
BindRange = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIM=SIZE",
        rich_help_panel=MODEL,
        help="Size of a dynamic dimension. Over a range FIRST:LAST[:STEP], every size is counted, "
        "and budgets are judged by the worst.",
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
        help="Shape of an input. A name instead of a size, INPUT=1x3xHxW, names a dimension that "
        "has none, for --bind and --symbolic.",
    ),
]
On = Annotated[
    Path | None,
    typer.Option(
        "--on",
        metavar="MACHINE.toml",
        rich_help_panel=MODEL,
        help="Print the shortest time on a machine, by its file from 'sepcost bench --machine -o "
        "MACHINE.toml': all MACs at the peak, and by the roofline. Neither is a forecast.",
    ),
]
Memory = Annotated[
    bool,
    typer.Option(
        "--memory",
        rich_help_panel=MODEL,
        help="Place all activations in one arena, with operators in place and memory reused, and "
        "print its size and the offset of each buffer.",
    ),
]
Symbolic = Annotated[
    bool,
    typer.Option(
        "--symbolic",
        rich_help_panel=MODEL,
        help="Print totals and layers as polynomials of the dimensions that --bind leaves free. "
        "They are laid through exact counts and compared with the counts at other sizes; the "
        "report says for which sizes they hold, and what is no polynomial.",
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
