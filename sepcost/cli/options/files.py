"""Reports and files: formats, targets, notes and progress."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli.options import words
from sepcost.cli.options.words import OUTPUT

_FORMAT = typer.Option("--format", "-f", rich_help_panel=OUTPUT, help="Report format.")

Format = Annotated[words.Format, _FORMAT]
DiffFormat = Annotated[words.DiffFormat, _FORMAT]
ListFormat = Annotated[words.ListFormat, _FORMAT]
CheckFormats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT[=FILE]",
        rich_help_panel=OUTPUT,
        show_default="table",
        help="table, json, markdown, junit, sarif, github, gitlab or html. Repeat -f for several, "
        "each with its own file: -f junit=report.xml -f sarif=out.sarif. github also appends a "
        "summary to $GITHUB_STEP_SUMMARY.",
    ),
]
# -o takes what a command makes: a model from convert and networks, else the report, also called -r.
_REPORT = {
    "metavar": "FILE",
    "rich_help_panel": OUTPUT,
    "show_default": "stdout",
    "help": "Write the report to this file.",
}
Output = Annotated[Path | None, typer.Option("--output", "-o", "--report", "-r", **_REPORT)]
Report = Annotated[Path | None, typer.Option("--report", "-r", **_REPORT)]
Model = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT.onnx",
        rich_help_panel=OUTPUT,
        help="Write the model to this file.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", rich_help_panel=OUTPUT, help="Overwrite an existing file.")
]
ForceModel = Annotated[
    bool,
    typer.Option(
        "--force",
        rich_help_panel=OUTPUT,
        help="Overwrite an existing file, and write the model even if it misses its goal or a "
        "minimum requirement.",
    ),
]
CopyUnchanged = Annotated[
    bool,
    typer.Option(
        "--copy-unchanged",
        rich_help_panel=OUTPUT,
        help="If nothing is worth converting, write the original to OUT.onnx.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", rich_help_panel=OUTPUT, help="Plan only; write no model.")
]
Frontier = Annotated[
    bool,
    typer.Option(
        "--frontier",
        rich_help_panel=OUTPUT,
        help="Also report the whole trade-off: error against MACs and measured latency.",
    ),
]
Convert = Annotated[
    bool,
    typer.Option(
        "--convert",
        rich_help_panel=OUTPUT,
        help="Also plan a conversion, and show the trade-off between error and cost. This takes "
        "minutes.",
    ),
]
Netron = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="Also write the costs for Netron: open the model there, then drop this file on it.",
    ),
]
ExportSamples = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", rich_help_panel=OUTPUT, help="Also write the time of every run, as JSON."
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Hide notes and progress."),
]
