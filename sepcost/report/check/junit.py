"""Verdicts as JUnit XML, one suite per model, one case per budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepcost.budget.judge import MODEL
from sepcost.budget.results import Check, Status, Verdict
from sepcost.report.check import verdicts
from sepcost.report.text import terminal
from sepcost.report.view import View

if TYPE_CHECKING:
    from junitparser import TestCase

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


def render(check: Check, view: View) -> str:
    """A failure per verdict that breaks the check, an error per model that was not judged.

    Warnings pass, with a line in system-out: JUnit has no warnings, and a skipped case would look
    as if nothing had been compared.
    """
    from junitparser import JUnitXml, TestSuite

    xml = JUnitXml("sepcost check")
    for model in check.sources:
        suite = TestSuite(terminal(model))
        suite.add_testcases([_case(v) for v in check.verdicts if v.model == model])
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    text: bytes = xml.tostring()  # type: ignore[no-untyped-call]
    return f"{DECLARATION}\n{text.decode()}\n"


def _case(verdict: Verdict) -> TestCase:
    from junitparser import Error, Failure, TestCase

    bound = f" ({verdict.bound})" if verdict.metric != MODEL else ""
    case = TestCase(terminal(f"{verdict.metric}{bound}"), terminal(verdict.model), 0)
    if verdict.breaks:
        kind = Error if verdict.status is Status.ERROR else Failure
        failure = kind(terminal(verdicts.sentence(verdict)), verdict.status.value)
        failure.text = "\n".join(_lines(verdict))
        case.result = [failure]
    elif verdict.status is not Status.OK:
        case.system_out = f"{verdict.status.value}: {terminal(verdicts.full(verdict))}"
    return case


def _lines(verdict: Verdict) -> list[str]:
    where = verdicts.place(verdict)
    named = [f"  {terminal(cause)}" for cause in verdicts.causes(verdict)]
    return [terminal(f"{where.file}:{where.line}: {verdicts.sentence(verdict)}"), *named]
