"""``sepcost check``: cost budgets in CI."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sepcost.cli import parse
from sepcost.cli.guard import note, say
from sepcost.cli.options import budgets, files, models, running
from sepcost.cli.options.words import CheckFormat
from sepcost.cli.output import emit, refuse_sources, refuse_terminal, write
from sepcost.cli.progress import progress
from sepcost.errors import SepcostError
from sepcost.report.formats import renderer
from sepcost.report.screen import screen
from sepcost.report.view import View

if TYPE_CHECKING:
    from sepcost.budget.results import Budget, Check
    from sepcost.evidence.check import Question

SUMMARY = "GITHUB_STEP_SUMMARY"
#: GitHub refuses longer step summaries.
MOST_SUMMARY_BYTES = 1 << 20
#: Formats that may share stdout.
LINES = frozenset({CheckFormat.TABLE, CheckFormat.GITHUB})


@dataclass(frozen=True, slots=True)
class Report:
    """A format and its file; None means stdout."""

    format: CheckFormat
    file: Path | None = None


def check(
    sources: models.Sources = None,
    max_macs: budgets.MaxMacs = None,
    max_flops: budgets.MaxFlops = None,
    max_params: budgets.MaxParams = None,
    max_file_size: budgets.MaxFileSize = None,
    max_peak_activations: budgets.MaxPeakActivations = None,
    max_separable_headroom: budgets.MaxSeparableHeadroom = None,
    max_latency: budgets.MaxLatency = None,
    forbid_op: budgets.ForbidOp = None,
    budget: budgets.Budget = None,
    bind: models.BindRange = None,
    shape: models.Shape = None,
    trips: models.Trips = None,
    baseline: budgets.Baseline = None,
    update: budgets.Update = False,
    loosen: budgets.Loosen = False,
    config: budgets.Config = None,
    exact: budgets.Exact = False,
    allow_unknown: budgets.AllowUnknown = None,
    inconclusive: budgets.Inconclusive = None,
    host: running.Host = None,
    jobs: budgets.Jobs = None,
    format_: files.CheckFormats = None,
    output: files.Output = None,
    quiet: files.Quiet = False,
) -> None:
    """Fail if a model exceeds its budgets, for example in CI.

    [bold]sepcost check[/]                                 all budgets of sepcost.toml
    [bold]sepcost check model.onnx --max-macs 600M[/]      one budget, without a file
    [bold]sepcost check --baseline git:origin/main[/]      compared with the main branch
    [bold]sepcost check -f github -f junit=report.xml[/]   in formats that CI reads

    Without SOURCE, it checks every model named in the configuration. A model that
    cannot be read is reported as an error; the others are still checked.

    Exit codes: 0 within budget, 1 over budget, or a count is only a lower bound,
    2 usage error, invalid configuration or unreadable model, 3 a measurement
    failed.
    """
    from sepcost.evidence.check import Question

    limits = {
        "macs": max_macs, "flops": max_flops, "params": max_params, "file-size": max_file_size,
        "peak-activations": max_peak_activations, "separable-headroom": max_separable_headroom,
        "latency": max_latency, "forbid-ops": forbid_op,
    }  # fmt: skip
    sizes = {
        "bind": parse.ranges(bind, "check judges models at one size or over a range"),
        "shape": parse.shapes(shape or ()),
        "trips": parse.trips(trips or ()),
    }
    question = Question(
        tuple(sources or ()), config, _budgets(limits, budget or ()),
        {key: value for key, value in sizes.items() if value}, baseline, allow_unknown,
        inconclusive.value if inconclusive else None, exact, jobs, update, loosen, host,
    )  # fmt: skip
    if loosen and not update:
        raise SepcostError("--loosen: needs --update; add it")
    reports = _reports(format_ or (), output)
    for report in reports:
        refuse_terminal(report.format, report.file)
        refuse_sources(report.file, [*question.sources, *([str(config)] if config else ())])
    result = _checked(question, quiet)
    _publish(result, reports, quiet)
    for fault in result.faults:
        say(f"sepcost: error: {fault.model}: {fault.message}")
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _budgets(limits: Mapping[str, object], pairs: Sequence[str]) -> tuple[Budget, ...]:
    """Read the budgets of the command line; --budget overrides the other options."""
    from sepcost.budget.flags import given, written

    own = {key: value for key, value in limits.items() if value}
    others = written(pairs)
    named = {key: "--forbid-op" if key == "forbid-ops" else f"--max-{key}" for key in own}
    return given({**own, **others}, named | {key: f"--budget {key}" for key in others})


def _reports(formats: Sequence[str], output: Path | None) -> tuple[Report, ...]:
    """``["github", "junit=report.xml"]``, with those on stdout first; a table by default."""
    reports = [_report(text) for text in formats]
    bare = [report for report in reports if report.file is None] or [Report(CheckFormat.TABLE)]
    if len(bare) > 1 and (output or not {report.format for report in bare} <= LINES):
        names = " and ".join(f"--format {report.format}" for report in bare)
        place = output or "stdout"
        raise SepcostError(
            f"{names}: {place} takes only one report; give the others a file: FORMAT=FILE"
        )
    shown = [Report(report.format, output) for report in bare]
    return (*shown, *(report for report in reports if report.file is not None))


def _report(text: str) -> Report:
    from sepcost.toml_lines import nearest

    name, equals, file = text.partition("=")
    known = [each.value for each in CheckFormat]
    if name not in known:
        raise SepcostError(f"--format {text!r}: unknown format{nearest(name, known)}")
    if equals and not file:
        raise SepcostError(f"--format {text!r}: expected {name}=FILE")
    return Report(CheckFormat(name), Path(file) if file else None)


def _checked(question: Question, quiet: bool) -> Check:
    from sepcost.routes.check import answer

    with progress("checking budgets", quiet):
        return answer(question)


def _publish(result: Check, reports: Sequence[Report], quiet: bool) -> None:
    """Write the baseline and the reports; the baseline first, so that a full disk is noticed."""
    if result.baseline is not None:
        write(result.baseline.text.encode(), Path(result.baseline.path))
        if not quiet:
            say(f"wrote {result.baseline.path}")
    for report in reports:
        view = View(screen=screen(report.file is not None))
        emit(renderer("check", report.format)(result, view), report.file)
    if any(report.format is CheckFormat.GITHUB for report in reports):
        _summarise(result)
    if not quiet:
        for line in result.notes:
            note(line)


def _summarise(result: Check) -> None:
    """Append the Markdown report to the step summary, if CI offers one."""
    name = os.environ.get(SUMMARY)
    if not name:
        return
    path = Path(name)
    used = path.stat().st_size if path.is_file() else 0
    view = View(most_bytes=max(0, MOST_SUMMARY_BYTES - used - 1))
    text = renderer("check", "markdown")(result, view)
    with path.open("ab") as file:
        file.write(text.encode())
