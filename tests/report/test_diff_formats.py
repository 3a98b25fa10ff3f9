"""What changed, for the terminal, for a pull request and for machines."""

import json
import unicodedata
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given

from sepcost.cost.diff import diff
from sepcost.report import diff_json, diff_markdown, diff_text
from tests.report.samples import analysis, conv_row, plain_row, unknown_row
from tests.report.verdict_samples import names

SCHEMA = json.loads((files("sepcost.report") / "schemas" / "diff-1.json").read_text("utf-8"))


def example(name="gone"):
    old = analysis(conv_row(), plain_row(name, f"{name}_out", "Tanh"), name="old")
    return diff(old, analysis(conv_row(macs=9216), plain_row("new", "new_out"), name="new"))


def test_the_table_has_totals_and_a_row_a_change():
    lines = diff_text.render(example()).splitlines()
    assert lines[0] == "1 added, 1 removed, 1 changed, 0 unchanged"
    assert lines[3].split("  ")[0] == "MACs"
    assert lines[3].endswith("18.4 k   9.22 k  -9.22 k (-50.0%)")
    rows = [line.split()[:3] for line in lines if line[:1] in {"+", "-", "~"}]
    assert rows == [["~", "conv1", "Conv"], ["-", "gone", "Tanh"], ["+", "new", "Relu"]]


def test_no_change_is_told_too():
    one = analysis(conv_row())
    assert diff_text.render(diff(one, one)).startswith("1 unchanged\n")
    assert "| MACs | 18.4 k | 18.4 k | = |" in diff_markdown.render(diff(one, one))


def test_the_layers_that_change_most_are_shown_first_to_be_shown():
    text = diff_text.render(example(), top=1)
    assert "conv1" in text
    assert "gone" not in text
    assert "… 2 more layers: --top 0 shows all" in text


def test_lower_bounds_are_called_so():
    found = diff(analysis(unknown_row()), analysis())
    told = "totals are lower bounds: the old model has uncounted layers"
    assert told in diff_text.render(found)
    assert told in diff_markdown.render(found)


def test_long_lists_fold():
    many = [plain_row(f"r{at}", f"r{at}_out") for at in range(30)]
    text = diff_markdown.render(diff(analysis(), analysis(*many)))
    assert "<details><summary>30 layers</summary>" in text


def test_a_comment_holds_the_largest_changes_and_how_many_more():
    rows = [conv_row(f"conv{at:05}", f"{at}_out", macs=at + 1) for at in range(2000)]
    found = diff(analysis(), analysis(*rows))
    text = diff_markdown.render(found)
    shown = text.count("| `+` |")
    assert 60_000 < len(text.encode()) <= 65_536
    assert 300 < shown < 2000
    assert f"… {2000 - shown} more layers" in text
    assert "conv01999" in text
    assert "conv00000" not in text
    assert diff_markdown.render(found, 0).count("| `+` |") == 2000


def test_values_of_weights_are_a_change_where_they_were_compared():
    row = conv_row()
    row = replace(row, layer=replace(row.layer, parameters=("w",)))
    old = new = analysis(row)
    found = diff(old, new, ({"w": "aa"}, {"w": "bb"}))
    assert "weight values differ in 1 layer\n" in diff_text.render(found)
    assert "weight values differ in 1 layer\n" in diff_markdown.render(found)
    assert json.loads(diff_json.render(found))["changes"][0]["differences"][0]["what"] == (
        "weight values"
    )
    same = diff(old, new, ({"w": "aa"}, {"w": "aa"}))
    assert (same.unchanged, same.changes) == (1, ())
    assert "no weight values differ" in diff_text.render(same)
    assert "weight values" not in diff_text.render(diff(old, new))


@pytest.mark.parametrize("render", [diff_text.render, diff_markdown.render, diff_json.render])
@given(name=names)
def test_no_name_acts(render, name):
    text = render(example(name))
    controls = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not {c for c in text if unicodedata.category(c) in controls and c != "\n"}


@given(names)
def test_markdown_cells_hold_no_border(name):
    rows = [line for line in diff_markdown.render(example(name)).splitlines() if line[:3] == "| `"]
    assert all(line.count("|") == 7 for line in rows)


@pytest.mark.parametrize("found", [example(), diff(analysis(), analysis(unknown_row()))])
def test_the_document_is_valid_and_sums_up(found):
    document = json.loads(diff_json.render(found), parse_constant=pytest.fail)
    jsonschema.validate(document, SCHEMA)
    assert set(document) == set(SCHEMA["properties"])
    known = [c["delta"]["macs"] for c in document["changes"] if c["delta"]["macs"] is not None]
    assert sum(known) == document["delta"]["macs"]
