"""Differences for the terminal, for pull requests and as JSON."""

import json
import unicodedata
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given

from sepcost.cost.diff import diff
from sepcost.report.diff import words
from sepcost.report.screen import Screen
from tests.report.render import render
from tests.report.samples import analysis, conv_row, plain_row, unknown_row
from tests.report.verdict_samples import names

SCHEMA = json.loads((files("sepcost.report") / "schemas" / "diff-1.json").read_text("utf-8"))


def example(name="gone"):
    old = analysis(conv_row(), plain_row(name, f"{name}_out", "Tanh"), name="old")
    return diff(old, analysis(conv_row(macs=9216), plain_row("new", "new_out"), name="new"))


def test_the_table_has_totals_and_one_row_per_change():
    lines = render("diff", "table", example()).splitlines()
    assert lines[0] == "1 added, 1 removed, 1 changed, 0 unchanged"
    assert lines[4].split("  ")[0] == "MACs"
    assert lines[4].endswith("18.4 k   9.22 k  −9.22 k (−50.0%)")
    rows = [line.split()[:3] for line in lines if line[:1] in {"+", "-", "~"}]
    assert rows == [["~", "conv1", "Conv"], ["-", "gone", "Tanh"], ["+", "new", "Relu"]]


@pytest.mark.parametrize("width", [40, 60, 80, 130])
def test_the_table_fits_the_screen(width):
    name = "backbone/stage_1/block_12/branch/" + "x" * 80
    text = render("diff", "table", example(name), screen=Screen(width))
    assert max(map(len, text.splitlines())) <= width
    rows = [line for line in text.splitlines() if line[:1] in {"+", "-", "~"}]
    assert [row[0] for row in rows] == ["~", "-", "+"]
    assert "−9.22 k (−50.0%)" in text


def test_no_change_is_reported_too():
    one = analysis(conv_row())
    assert render("diff", "table", diff(one, one)).startswith("1 unchanged\n")
    assert "| MACs | 18.4 k | 18.4 k | = |" in render("diff", "markdown", diff(one, one))


def test_the_layers_that_change_most_are_kept():
    text = render("diff", "table", example(), top=1)
    assert "conv1" in text
    assert "gone" not in text
    assert "… 2 more layers: --top 0 shows all" in text
    assert "… 1 more layer: --top 0" in render("diff", "table", example(), top=2)


def test_lower_bounds_are_marked():
    found = diff(analysis(unknown_row()), analysis())
    told = "the old model's totals are lower bounds: it has uncounted layers"
    assert told in render("diff", "table", found)
    assert told in render("diff", "markdown", found)


def test_the_change_of_a_lower_bound_is_unknown():
    found = diff(analysis(conv_row()), analysis(unknown_row()))
    text = render("diff", "markdown", found)
    assert "| MACs | 18.4 k | at least 0 | ? |" in text
    assert "| params | 1.15 k | 0 | −1.15 k (−100.0%) |" in text  # the file tells
    assert text.index("lower bounds") < text.index("conv1")
    assert "at least 0" in render("diff", "html", found)


def test_long_lists_fold():
    many = [plain_row(f"r{at}", f"r{at}_out") for at in range(30)]
    text = render("diff", "markdown", diff(analysis(), analysis(*many)))
    assert "<details><summary>30 layers</summary>" in text


def test_a_comment_holds_the_largest_changes_and_how_many_more():
    rows = [conv_row(f"conv{at:05}", f"{at}_out", macs=at + 1) for at in range(2000)]
    found = diff(analysis(), analysis(*rows))
    text = render("diff", "markdown", found)
    shown = text.count("| `conv0")
    assert 60_000 < len(text.encode()) <= 65_536
    assert 300 < shown < 2000
    assert f"… {2000 - shown:,} more layers" in text
    assert "conv01999" in text
    assert "conv00000" not in text
    assert render("diff", "markdown", found, top=0).count("`conv0") == 2000


def test_weight_values_are_a_change_if_compared():
    row = conv_row()
    row = replace(row, layer=replace(row.layer, parameters=("w",)))
    old = new = analysis(row)
    found = diff(old, new, ({"w": "aa"}, {"w": "bb"}))
    assert "weight values differ in 1 layer\n" in render("diff", "table", found)
    assert "weight values differ in 1 layer\n" in render("diff", "markdown", found)
    (change,) = json.loads(render("diff", "json", found))["changes"]
    assert [each["what"] for each in change["differences"]] == ["weight values"]
    same = diff(old, new, ({"w": "aa"}, {"w": "aa"}))
    assert (same.unchanged, same.changes) == (1, ())
    assert "no weight values differ" in render("diff", "table", same)
    assert "weight values" not in render("diff", "table", diff(old, new))


@pytest.mark.parametrize("kind", ["table", "markdown", "json"])
@given(name=names)
def test_names_are_escaped(kind, name):
    text = render("diff", kind, example(name))
    controls = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not {c for c in text if unicodedata.category(c) in controls and c != "\n"}


@given(names)
def test_markdown_cells_contain_no_border(name):
    lines = render("diff", "markdown", example(name)).splitlines()
    (head,) = (line for line in lines if line.startswith("|  | layer |"))
    rows = [line for line in lines if line[:3] == "| `"]
    assert [line.count("|") for line in rows] == [head.count("|")] * 3


@pytest.mark.parametrize("found", [example(), diff(analysis(), analysis(unknown_row()))])
def test_the_document_is_valid_and_sums_up(found):
    document = json.loads(render("diff", "json", found), parse_constant=pytest.fail)
    jsonschema.validate(document, SCHEMA)
    assert set(document) == set(SCHEMA["properties"])
    known = [c["delta"]["macs"] for c in document["changes"] if c["delta"]["macs"] is not None]
    assert sum(known) == document["delta"]["macs"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (100, 100, "="),
        (100, 85, "−15 (−15.0%)"),
        (100, 150, "+50 (+50.0%)"),
        (100, 1_000, "+900 (10.0×)"),
        (0, 5, "+5"),
    ],
)
def test_changes_are_shares_and_large_ones_factors(old, new, text):
    assert words.change(old, new) == text
