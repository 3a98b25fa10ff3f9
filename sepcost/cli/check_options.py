"""The options of ``sepcost check`` and ``sepcost diff``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sepcost.cli import complete
from sepcost.cli.options import OUT

BUDGETS, AGAINST, HOW = "Budgets", "What to compare with", "How to check"


class CheckFormat(StrEnum):
    """How verdicts are written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    HTML = "html"


class DiffFormat(StrEnum):
    """How a diff is written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class Inconclusive(StrEnum):
    """What becomes of a measurement that cannot tell."""

    WARN = "warn"
    FAIL = "fail"
    OK = "ok"


def _most(metavar: str, what: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        metavar=metavar, rich_help_panel=BUDGETS, help=f"Most {what}."
    )
    return found


MaxMacs = Annotated[str | None, _most("600M", "multiply-accumulates")]
MaxFlops = Annotated[str | None, _most("1.2G", "FLOPs, 2 a MAC")]
MaxParams = Annotated[str | None, _most("4.2M", "parameters")]
MaxFileSize = Annotated[str | None, _most("10MB", "bytes on disk, external data included")]
MaxPeak = Annotated[str | None, _most("8MB", "bytes of activations alive at once")]
MaxHeadroom = Annotated[str | None, _most("2x", "times fewer MACs that separating could bring")]
MaxLatency = Annotated[str | None, _most("12ms", "time for a run, measured with ONNX Runtime")]
ForbidOp = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OP", rich_help_panel=BUDGETS, help="Operator, domain::operator or glob to refuse."
    ),
]
BudgetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="METRIC=VALUE",
        rich_help_panel=BUDGETS,
        help="Any budget of the configuration: weights=4MiB, macs-vs-baseline=+1%, "
        "per-layer.macs=20%.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=HOW,
        show_default="sepcost.toml or pyproject.toml, from here upwards",
        help="Where the budgets stand.",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="git:REV|FILE",
        rich_help_panel=AGAINST,
        help="The same model at a git revision, another model, or a JSON file of numbers.",
    ),
]
Update = Annotated[
    bool,
    typer.Option(
        "--update",
        rich_help_panel=AGAINST,
        help="Write exact numbers to the JSON baseline; a number is only ever lowered.",
    ),
]
Loosen = Annotated[
    bool,
    typer.Option("--loosen", rich_help_panel=AGAINST, help="With --update: raise numbers too."),
]
AllowUnknown = Annotated[
    bool | None,
    typer.Option(
        "--allow-unknown/--no-allow-unknown",
        rich_help_panel=HOW,
        show_default="as configured, else not",
        help="Let a count that is only a lower bound pass with a warning.",
    ),
]
InconclusiveOption = Annotated[
    Inconclusive | None,
    typer.Option(
        "--inconclusive",
        rich_help_panel=HOW,
        show_default="as configured, else warn",
        help="What becomes of a measurement whose interval holds the limit.",
    ),
]
Exact = Annotated[
    bool,
    typer.Option("--exact", rich_help_panel=HOW, help="Leave out budgets that run the model."),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", min=1, metavar="N", rich_help_panel=HOW,
        show_default="as many as pay", help="Processes that count.",
    ),
]  # fmt: skip
FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT[=FILE]",
        rich_help_panel=OUT,
        show_default="table",
        help="table, json, markdown, junit, sarif, github, gitlab or html; several, to files: "
        "-f junit=report.xml -f sarif=out.sarif. github also appends a summary to "
        "$GITHUB_STEP_SUMMARY.",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", rich_help_panel=OUT,
        show_default="30 at a terminal, in Markdown as fit in a comment, else all",
        help="Layers to show; 0 for all.",
    ),
]  # fmt: skip
Weights = Annotated[
    bool,
    typer.Option(
        "--weights",
        rich_help_panel=HOW,
        help="Also compare the values of weights, by a hash of their contents.",
    ),
]
DiffFormatOption = Annotated[
    DiffFormat,
    typer.Option("--format", "-f", rich_help_panel=OUT, help="How to write the report."),
]
Old = Annotated[
    str,
    typer.Argument(
        metavar="OLD",
        autocompletion=complete.source,
        help="An ONNX file, a spec, a shipped name, or git:REV for NEW at REV.",
    ),
]
New = Annotated[
    str,
    typer.Argument(metavar="NEW", autocompletion=complete.source, help="What it is compared with."),
]
