"""The rows of a table, and how operations are counted."""

from __future__ import annotations

from typing import Annotated

import typer

from sepcost.cli.options import words
from sepcost.cli.options.words import COUNTING, ROWS

By = Annotated[
    words.By | None,
    typer.Option(
        metavar="WHAT",
        rich_help_panel=ROWS,
        show_default="layer; model for several --bind sizes",
        help="One row per layer, op, scope, kernel or model.",
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        rich_help_panel=ROWS,
        help="With --by scope: keep N levels of the path.",
    ),
]
Sort = Annotated[
    words.Sort | None,
    typer.Option(
        metavar="KEY",
        rich_help_panel=ROWS,
        show_default="order; macs with --by",
        help="Sort by order (of execution), macs, params, bytes, elementwise, intensity, saving "
        "(MACs saved by separating), name or op. --top keeps the N largest by this key, or "
        "by MACs for order, name and op.",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=ROWS,
        show_default="30 at a terminal, else all",
        help="Show only the top N rows; 0 for all.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND|GLOB",
        rich_help_panel=ROWS,
        help="Show only layers whose name, id or op type matches, or of this kind: conv, "
        "depthwise, pointwise, eligible, counted, free, unknown. Totals cover the whole model.",
    ),
]
Unit = Annotated[
    words.Unit,
    typer.Option(
        rich_help_panel=ROWS,
        help="Unit in tables and Markdown; 1 MAC is 2 FLOPs. JSON and CSV contain both.",
    ),
]
Layers = Annotated[
    bool,
    typer.Option(
        "--layers",
        rich_help_panel=ROWS,
        help="Also time each layer and compare it with the machine's peaks.",
    ),
]
Machine = Annotated[
    bool,
    typer.Option(
        "--machine",
        rich_help_panel=ROWS,
        help="Also report the machine's peaks, which are measured once and cached; without SOURCE, "
        "measure them again.",
    ),
]
Weights = Annotated[
    bool,
    typer.Option(
        "--weights",
        rich_help_panel=ROWS,
        help="Also compare weight values, by a hash of their contents.",
    ),
]
Operators = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:NAME",
        rich_help_panel=COUNTING,
        help="Your own MAC formulas: a dict {(domain, op_type): function of a layer}. The module "
        "may be in the working folder.",
    ),
]
ConvTranspose = Annotated[
    words.Positions,
    typer.Option(
        rich_help_panel=COUNTING, help="Count a ConvTranspose at its input or output positions."
    ),
]
CountBias = Annotated[
    bool,
    typer.Option(
        "--count-bias", rich_help_panel=COUNTING, help="Count one MAC for each bias that is added."
    ),
]
If = Annotated[
    words.IfBranch,
    typer.Option(
        "--if",
        rich_help_panel=COUNTING,
        help="Branch of an If to count; max is the most expensive.",
    ),
]
