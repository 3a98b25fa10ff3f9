"""``sepcost check``: cost budgets as a gate."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sepcost.cli import check_options as opt
from sepcost.cli import options, parse
from sepcost.cli.check_options import CheckFormat
from sepcost.cli.guard import note, say
from sepcost.cli.output import emit, refuse_sources, refuse_terminal, write
from sepcost.cli.progress import progress
from sepcost.cli.screen import screen
from sepcost.errors import SepcostError

if TYPE_CHECKING:
    from sepcost.budget.results import Budget, Check
    from sepcost.evidence.check import Question

SUMMARY = "GITHUB_STEP_SUMMARY"
#: GitHub refuses a longer summary of a step.
MOST_SUMMARY_BYTES = 1 << 20
#: Formats that may stand together on stdout.
LINES = frozenset({CheckFormat.TABLE, CheckFormat.GITHUB})


@dataclass(frozen=True, slots=True)
class Report:
    """One format, and the file that it goes to; stdout where there is none."""

    format: CheckFormat
    file: Path | None = None


def check(
    sources: options.Sources = None,
    max_macs: opt.MaxMacs = None,
    max_flops: opt.MaxFlops = None,
    max_params: opt.MaxParams = None,
    max_file_size: opt.MaxFileSize = None,
    max_peak_activations: opt.MaxPeak = None,
    max_separable_headroom: opt.MaxHeadroom = None,
    max_latency: opt.MaxLatency = None,
    forbid_op: opt.ForbidOp = None,
    budget: opt.BudgetOption = None,
    bind: options.Bind = None,
    shape: options.ShapeOf = None,
    trips: options.Trips = None,
    baseline: opt.Baseline = None,
    update: opt.Update = False,
    loosen: opt.Loosen = False,
    config: opt.Config = None,
    exact: opt.Exact = False,
    allow_unknown: opt.AllowUnknown = None,
    inconclusive: opt.InconclusiveOption = None,
    jobs: opt.Jobs = None,
    format_: opt.FormatOption = None,
    output: options.Output = None,
    quiet: options.Quiet = False,
) -> None:
    """Fail where a model costs more than it may: a gate for CI.

    [bold]sepcost check[/]                                       all budgets of pyproject.toml
    [bold]sepcost check model.onnx --max-macs 600M[/]            one, for now
    [bold]sepcost check --baseline git:origin/main[/]            against the main branch
    [bold]sepcost check -f github -f junit=report.xml[/]         where CI reads it

    Exit codes: 0 within budget, 1 a budget is broken, 2 usage, configuration or a
    model that cannot be read, 3 a measurement failed. One bad model is an error in
    the report; the others are judged.
    """
    from sepcost.evidence.check import Question

    most = {
        "macs": max_macs, "flops": max_flops, "params": max_params, "file-size": max_file_size,
        "peak-activations": max_peak_activations, "separable-headroom": max_separable_headroom,
        "latency": max_latency, "forbid-ops": forbid_op,
    }  # fmt: skip
    sizes = {
        "bind": parse.binding(bind, "check judges one size at a time"),
        "shape": parse.shapes(shape or ()),
        "trips": parse.trips(trips or ()),
    }
    question = Question(
        tuple(sources or ()), config, _budgets(most, budget or ()),
        {key: value for key, value in sizes.items() if value}, baseline, allow_unknown,
        inconclusive.value if inconclusive else None, exact, jobs, update, loosen,
    )  # fmt: skip
    if loosen and not update:
        raise SepcostError("--loosen says how to --update: add --update")
    reports = _reports(format_ or (), output)
    for report in reports:
        refuse_terminal(report.format, report.file)
        refuse_sources(report.file, [*question.sources, *([str(config)] if config else ())])
    found = _checked(question, quiet)
    _tell(found, reports, quiet)
    for fault in found.faults:
        say(f"sepcost: error: {fault.model}: {fault.message}")
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def _budgets(most: Mapping[str, object], more: Sequence[str]) -> tuple[Budget, ...]:
    from sepcost.budget.flags import given, written

    asked = {key: value for key, value in most.items() if value}
    return given({**asked, **written(more)})


def _reports(formats: Sequence[str], output: Path | None) -> tuple[Report, ...]:
    """``["github", "junit=report.xml"]``: what stands on stdout first; a table, if nothing does."""
    found = [_report(text) for text in formats]
    bare = [report for report in found if report.file is None] or [Report(CheckFormat.TABLE)]
    if len(bare) > 1 and (output or not {report.format for report in bare} <= LINES):
        names = " and ".join(report.format for report in bare)
        raise SepcostError(f"--format {names}: only one fits there; write --format FORMAT=FILE")
    shown = [Report(report.format, output) for report in bare]
    return (*shown, *(report for report in found if report.file is not None))


def _report(text: str) -> Report:
    from sepcost.toml_lines import nearest

    name, equals, file = text.partition("=")
    known = [each.value for each in CheckFormat]
    if name not in known:
        raise SepcostError(f"--format {text!r}: no such format{nearest(name, known)}")
    if equals and not file:
        raise SepcostError(f"--format {text!r}: expected {name}=FILE")
    return Report(CheckFormat(name), Path(file) if file else None)


def _checked(question: Question, quiet: bool) -> Check:
    from sepcost.routes.check import answer

    with progress("checking budgets", quiet):
        return answer(question)


def _tell(found: Check, reports: Sequence[Report], quiet: bool) -> None:
    """Write everything that was asked for, the baseline first: a full disk must not hide it."""
    if found.baseline is not None:
        write(found.baseline.text.encode(), Path(found.baseline.path))
        if not quiet:
            say(f"wrote {found.baseline.path}")
    for report in reports:
        emit(RENDER[report.format](found, report.file is not None), report.file)
    if any(report.format is CheckFormat.GITHUB for report in reports):
        _summarise(found)
    if not quiet:
        for line in found.notes:
            note(line)


def _summarise(found: Check) -> None:
    """Append the Markdown report to the summary of the job's step, where there is one."""
    name = os.environ.get(SUMMARY)
    if not name:
        return
    from sepcost.report import check_markdown

    path = Path(name)
    used = path.stat().st_size if path.is_file() else 0
    text = check_markdown.render(found, max(0, MOST_SUMMARY_BYTES - used - 1))
    with path.open("ab") as file:
        file.write(text.encode())


def _table(found: Check, to_file: bool) -> str:
    from sepcost.report import check_text

    return check_text.render(found, screen(to_file).colour)


def _json(found: Check, _: bool) -> str:
    from sepcost.report import check_json

    return check_json.render(found)


def _markdown(found: Check, _: bool) -> str:
    from sepcost.report import check_markdown

    return check_markdown.render(found)


def _junit(found: Check, _: bool) -> str:
    from sepcost.report import junit

    return junit.render(found)


def _sarif(found: Check, _: bool) -> str:
    from sepcost.report import sarif

    return sarif.render(found)


def _github(found: Check, _: bool) -> str:
    from sepcost.report import github

    return github.render(found)


def _gitlab(found: Check, _: bool) -> str:
    from sepcost.report import gitlab

    return gitlab.render(found)


def _html(found: Check, _: bool) -> str:
    from sepcost.report.html import check as page

    return page.render(found)


RENDER: Mapping[CheckFormat, Callable[[Check, bool], str]] = {
    CheckFormat.TABLE: _table,
    CheckFormat.JSON: _json,
    CheckFormat.MARKDOWN: _markdown,
    CheckFormat.JUNIT: _junit,
    CheckFormat.SARIF: _sarif,
    CheckFormat.GITHUB: _github,
    CheckFormat.GITLAB: _gitlab,
    CheckFormat.HTML: _html,
}
