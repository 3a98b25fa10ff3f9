"""What changed, for the terminal, for a pull request and for machines."""

import json
import unicodedata
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given

from sepcost.cost.diff import diff
from sepcost.report.screen import Screen
from tests.report.render import render
from tests.report.samples import analysis, conv_row, plain_row, unknown_row
from tests.report.verdict_samples import names

SCHEMA = json.loads((files("sepcost.report") / "schemas" / "diff-1.json").read_text("utf-8"))


def example(name="gone"):
    old = analysis(conv_row(), plain_row(name, f"{name}_out", "Tanh"), name="old")
    return diff(old, analysis(conv_row(macs=9216), plain_row("new", "new_out"), name="new"))


def test_the_table_has_totals_and_a_row_a_change():
    lines = render("diff", "table", example()).splitlines()
    assert lines[0] == "1 added, 1 removed, 1 changed, 0 unchanged"
    assert lines[4].split("  ")[0] == "MACs"
    assert lines[4].endswith("18.4 k   9.22 k  -9.22 k (-50.0%)")
    rows = [line.split()[:3] for line in lines if line[:1] in {"+", "-", "~"}]
    assert rows == [["~", "conv1", "Conv"], ["-", "gone", "Tanh"], ["+", "new", "Relu"]]


@pytest.mark.parametrize("width", [40, 60, 80, 130])
def test_the_table_fits_the_screen(width):
    name = "backbone/stage_1/block_12/branch/" + "x" * 80
    text = render("diff", "table", example(name), screen=Screen(width))
    assert max(map(len, text.splitlines())) <= width
    rows = [line for line in text.splitlines() if line[:1] in {"+", "-", "~"}]
    assert [row[0] for row in rows] == ["~", "-", "+"]
    assert "-9.22 k (-50.0%)" in text


def test_no_change_is_told_too():
    one = analysis(conv_row())
    assert render("diff", "table", diff(one, one)).startswith("1 unchanged\n")
    assert "| MACs | 18.4 k | 18.4 k | = |" in render("diff", "markdown", diff(one, one))


def test_the_layers_that_change_most_are_shown_first_to_be_shown():
    text = render("diff", "table", example(), top=1)
    assert "conv1" in text
    assert "gone" not in text
    assert "… 2 more layers: --top 0 shows all" in text


def test_lower_bounds_are_called_so():
    found = diff(analysis(unknown_row()), analysis())
    told = "totals are lower bounds: the old model has uncounted layers"
    assert told in render("diff", "table", found)
    assert told in render("diff", "markdown", found)


def test_long_lists_fold():
    many = [plain_row(f"r{at}", f"r{at}_out") for at in range(30)]
    text = render("diff", "markdown", diff(analysis(), analysis(*many)))
    assert "<details><summary>30 layers</summary>" in text


@pytest.mark.parametrize("kind", ["table", "markdown", "json"])
@given(name=names)
def test_no_name_acts(kind, name):
    text = render("diff", kind, example(name))
    controls = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not {c for c in text if unicodedata.category(c) in controls and c != "\n"}


@given(names)
def test_markdown_cells_hold_no_border(name):
    rows = [
        line for line in render("diff", "markdown", example(name)).splitlines() if line[:3] == "| `"
    ]
    assert rows
    assert all(line.count("|") == 6 for line in rows)


@pytest.mark.parametrize("found", [example(), diff(analysis(), analysis(unknown_row()))])
def test_the_document_is_valid_and_sums_up(found):
    document = json.loads(render("diff", "json", found), parse_constant=pytest.fail)
    jsonschema.validate(document, SCHEMA)
    assert set(document) == set(SCHEMA["properties"])
    known = [c["delta"]["macs"] for c in document["changes"] if c["delta"]["macs"] is not None]
    assert sum(known) == document["delta"]["macs"]
