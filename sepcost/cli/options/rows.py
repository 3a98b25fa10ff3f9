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
        show_default="layer; model for folders, globs and several --bind sizes",
        help="One row per layer, op, scope, kernel or model.",
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        rich_help_panel=ROWS,
        help="With --by scope: number of path levels to keep.",
    ),
]
Sort = Annotated[
    words.Sort | None,
    typer.Option(
        metavar="KEY",
        rich_help_panel=ROWS,
        show_default="order; macs with --by",
        help="Sort by order (of execution), macs, params, bytes (moved), elementwise, intensity "
        "(FLOPs per byte), saving (MACs saved if separable), name or op. --top keeps the N "
        "largest by this key; for order, name and op, those with the most MACs.",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        rich_help_panel=ROWS,
        show_default="30 in a terminal, otherwise all",
        help="Show only the top N rows; 0 shows all.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND|GLOB",
        rich_help_panel=ROWS,
        help="Show only layers whose name, id or op type matches this glob, or of this kind: conv, "
        "depthwise, pointwise, eligible (can become separable), counted (has MACs), free (has "
        "none), unknown. Totals still cover the whole model.",
    ),
]
Unit = Annotated[
    words.Unit,
    typer.Option(
        rich_help_panel=ROWS,
        help="Unit for tables and Markdown; 1 MAC is 2 FLOPs. JSON and CSV contain both.",
    ),
]
Layers = Annotated[
    bool,
    typer.Option(
        "--layers",
        rich_help_panel=ROWS,
        help="Also time each layer, and show how close it comes to this machine's peak compute or "
        "memory bandwidth.",
    ),
]
Machine = Annotated[
    bool,
    typer.Option(
        "--machine",
        rich_help_panel=ROWS,
        help="Also report this machine's peak compute and memory bandwidth, measured once and "
        "cached. Without SOURCE: measure them again; -o FILE.toml writes them for 'analyze --on'.",
    ),
]
Weights = Annotated[
    bool,
    typer.Option(
        "--weights",
        rich_help_panel=ROWS,
        help="Also compare the values of the weights, by hash.",
    ),
]
Operators = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:NAME",
        rich_help_panel=COUNTING,
        help="Your own MAC formulas: NAME is a dict {(domain, op_type): function of a layer} in "
        "MODULE, which may be in the working folder.",
    ),
]
ConvTranspose = Annotated[
    words.Positions,
    typer.Option(
        rich_help_panel=COUNTING, help="Count a ConvTranspose at its input or its output positions."
    ),
]
CountBias = Annotated[
    bool,
    typer.Option("--count-bias", rich_help_panel=COUNTING, help="Count one MAC per bias addition."),
]
If = Annotated[
    words.IfBranch,
    typer.Option(
        "--if",
        rich_help_panel=COUNTING,
        help="Branch of an If to count; max is the most expensive one.",
    ),
]
