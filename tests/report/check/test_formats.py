"""Verdicts in the formats that CI reads: valid by schema, whatever a model's name."""

import json
import re
import unicodedata
from importlib.resources import files
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
import xmlschema
from hypothesis import given
from junitparser import JUnitXml

from sepcost.budget.judge import failed
from sepcost.budget.results import Check, Fault, Status
from sepcost.report.check import github, verdicts
from sepcost.report.formats import FORMATS
from sepcost.report.screen import Screen
from tests.budget.build import check, verdict
from tests.report.render import render
from tests.report.verdict_samples import every, names, nasty

SCHEMAS = Path(__file__).parents[2] / "schemas"
OURS = json.loads((files("sepcost.report") / "schemas" / "check-1.json").read_text("utf-8"))
SARIF = json.loads((SCHEMAS / "sarif-2.1.0-part.json").read_text("utf-8"))
GITLAB = json.loads((SCHEMAS / "gitlab-code-quality.json").read_text("utf-8"))
JUNIT = xmlschema.XMLSchema(str(SCHEMAS / "junit.xsd"))
CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
TEXTS = [name for name in FORMATS["check"] if name != "html"]


def controls(text):
    return {c for c in text if unicodedata.category(c) in CONTROLS and c != "\n"}


@pytest.mark.parametrize("kind", TEXTS)
@given(name=names)
def test_every_format_escapes_names(kind, name):
    text = render("check", kind, nasty(name))
    assert not controls(text)
    text.encode()


@pytest.mark.parametrize("kind", TEXTS)
def test_the_same_check_gives_the_same_bytes(kind):
    assert render("check", kind, check(*every())) == render("check", kind, check(*every()))


@given(names)
def test_json_is_valid_and_finite(name):
    document = json.loads(render("check", "json", nasty(name)), parse_constant=pytest.fail)
    jsonschema.validate(document, OURS)
    assert document["verdicts"][0]["model"] == name
    assert document["counts"] == {"ok": 1, "warn": 1, "fail": 1, "unknown": 1, "error": 0}


def test_json_has_exactly_the_keys_of_its_schema():
    document = json.loads(render("check", "json", nasty("m")))
    assert set(document) == set(OURS["properties"])
    assert set(document["verdicts"][0]) == set(
        OURS["properties"]["verdicts"]["items"]["properties"]
    )


@given(names)
def test_junit_is_valid_and_reads_back(name):
    text = render("check", "junit", nasty(name))
    JUNIT.validate(StringIO(text))
    xml = JUnitXml.fromstring(text.encode())
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (4, 2, 0, 0)


def test_junit_fails_broken_budgets_and_mentions_warnings():
    xml = JUnitXml.fromstring(render("check", "junit", check(*every())).encode())
    cases = {case.name.split()[0]: case for suite in xml for case in suite}
    assert {name: len(case.result) for name, case in cases.items()} == {
        "metric-ok": 0, "metric-warn": 0, "metric-fail": 1, "metric-unknown": 0, "metric-error": 1
    }  # fmt: skip
    assert cases["metric-warn"].system_out.startswith("warn: m.onnx: metric-warn 700, budget ≤ 600")
    assert "a.toml:7" in cases["metric-fail"].result[0].text


@given(names)
def test_sarif_is_valid(name):
    document = json.loads(render("check", "sarif", nasty(name)))
    jsonschema.validate(document, SARIF)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert [one["level"] for one in run["results"]] == ["error", "error", "warning"]


def test_sarif_points_at_the_line_of_the_budget():
    (result,) = json.loads(render("check", "sarif", check(verdict())))["runs"][0]["results"]
    assert result["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "a.toml"}, "region": {"startLine": 7}}}
    ]
    assert (
        json.loads(render("check", "sarif", check(verdict(Status.OK))))["runs"][0]["results"] == []
    )


@given(names)
def test_gitlab_is_valid_and_each_entry_is_its_own(name):
    entries = json.loads(render("check", "gitlab", nasty(name)))
    jsonschema.validate(entries, GITLAB)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    assert [entry["severity"] for entry in entries] == ["major", "major", "minor"]


def test_a_fingerprint_outlives_the_numbers():
    assert verdicts.fingerprint(verdict()) == verdicts.fingerprint(verdict(actual=None))
    assert verdicts.fingerprint(verdict()) != verdicts.fingerprint(verdict(model="other"))


@given(names)
def test_github_has_one_command_per_line_and_no_other(name):
    lines = render("check", "github", nasty(name)).splitlines()
    command = r"::(error|warning) file=[^:,]+,line=\d+,title=[^:,]+::[^\n]*"
    assert len(lines) == 3
    assert all(re.fullmatch(command, line) for line in lines)
    assert all(not re.search(r"%(?!25|0A|0D|3A|2C)", line) for line in lines)


def test_github_annotates_the_line_of_the_budget():
    assert render("check", "github", check(verdict())) == (
        "::error file=a.toml,line=7,title=sepcost%3A macs of m.onnx::"
        "m.onnx: macs 700, budget ≤ 600 (+16.7%25)\n"
    )


def test_github_says_how_many_it_would_have_dropped():
    many = [verdict(model=f"{at}.onnx") for at in range(12)]
    lines = render("check", "github", check(*many)).splitlines()
    assert len(lines) == github.MOST
    assert lines[-1] == "::error title=sepcost::3 more in the job summary"
    assert len(render("check", "github", check(*many[:10])).splitlines()) == 10


def test_markdown_has_one_row_per_verdict_and_folds_passes():
    text = render("check", "markdown", check(*every()))
    assert text.startswith(
        "### ❌ sepcost check: 1 model: 1 error, 1 budget exceeded, 1 unknown, 1 warning, 1 met\n"
    )
    assert "| ❌ fail | `m.onnx` | `metric-fail` | 700 | ≤ 600 | +16.7% |  |" in text
    assert text.index("<details>") > text.index("⚠️ warn")


@given(names)
def test_markdown_cells_contain_no_border(name):
    rows = [
        line for line in render("check", "markdown", nasty(name)).splitlines() if line[:1] == "|"
    ]
    assert all(line.count("|") == 8 for line in rows)


@pytest.mark.parametrize("most", [100, 600, 3000, 10**6])
def test_a_summary_fits_or_says_what_is_left_out(most):
    many = check(*(verdict(model=f"{at}.onnx") for at in range(50)))
    text = render("check", "markdown", many, most_bytes=most)
    assert len(text.encode()) <= most
    assert most < 300 or text.count(".onnx") == 50 or "more verdicts left out" in text


def test_one_verdict_left_out_is_one_verdict():
    many = check(*(verdict(model=f"{at}.onnx") for at in range(50)))
    most = len(render("check", "markdown", many).encode()) - 1
    assert "… 1 more verdict left out" in render("check", "markdown", many, most_bytes=most)


def test_the_terminal_shows_failures_first_and_passing_models_in_one_line():
    lines = render(
        "check", "table", check(*every(), verdict(Status.OK, model="b.onnx"))
    ).splitlines()
    assert [line.split()[0] for line in lines if line] == [
        "error", "FAIL", "unknown", "warn", "ok", "2"
    ]  # fmt: skip
    assert lines[1].endswith("metric-fail 700, budget ≤ 600 (+16.7%)  a.toml:7")
    assert lines[4] == "ok       b.onnx  1 budget; closest: macs 700, budget ≤ 600"


def test_colours_only_on_request():
    assert "\x1b[31mFAIL" in render("check", "table", check(*every()), screen=Screen(colour=True))


def test_the_worst_verdict_is_the_status():
    assert Check((), ()).status is Status.OK
    assert [check(one).status.value for one in every()] == [
        "ok", "warn", "fail", "warn", "error"
    ]  # fmt: skip


BROKEN = failed(Fault("zoo/m.onnx", "truncated, or not an ONNX model"))


def test_a_model_that_was_not_judged_is_an_error_in_every_format():
    found = check(verdict(Status.OK), BROKEN)
    assert render("check", "table", found).splitlines()[0] == (
        "error    zoo/m.onnx  model: truncated, or not an ONNX model"
    )
    assert "| ❌ error | `zoo/m.onnx` | `model` |" in render("check", "markdown", found)
    xml = JUnitXml.fromstring(render("check", "junit", found).encode())
    assert (xml.tests, xml.failures, xml.errors) == (2, 0, 1)
    JUNIT.validate(StringIO(render("check", "junit", found)))
    (result,) = json.loads(render("check", "sarif", found))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("sepcost/model", "error")
    assert place == {"artifactLocation": {"uri": "zoo/m.onnx"}, "region": {"startLine": 1}}
    assert render("check", "github", found) == (
        "::error file=zoo/m.onnx,line=1,title=sepcost%3A zoo/m.onnx was not judged::"
        "zoo/m.onnx: model: truncated, or not an ONNX model\n"
    )
    (entry,) = json.loads(render("check", "gitlab", found))
    assert (entry["severity"], entry["location"]["path"]) == ("major", "zoo/m.onnx")
    document = json.loads(render("check", "json", found))
    jsonschema.validate(document, OURS)
    assert (document["status"], document["counts"]["error"]) == ("error", 1)
