"""Markdown: the line that sums up, then tables."""

from sepcost.report.analyze.markdown import render
from sepcost.report.view import Rows, View
from tests.report.samples import analysis, conv_row, plain_row, unknown_row


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_line_to_quote_comes_first():
    assert render([analysis(conv_row(), plain_row())], View()).splitlines()[0] == (
        "**`tiny`: 18.4 k MACs, 1.15 k params; 5.76× fewer MACs if separable**"
    )


def test_a_total_with_unknowns_is_a_lower_bound():
    report = render([analysis(conv_row(), unknown_row())], View())
    assert "at least 18.4 k MACs" in report
    assert "kB peak activations, at least " in report
    assert "- 1 × Mystery: no formula (`mystery`)" in report


def test_one_row_per_layer_under_one_header():
    report = render([analysis(conv_row(), plain_row())], View())
    table = [cells(line) for line in report.splitlines() if line.startswith("|")]
    assert {len(row) for row in table} == {len(table[0])}
    conv = dict(zip(table[0], table[2], strict=True))
    assert conv["layer"] == "`conv1`"
    assert conv["output"] == "1×16×4×4"
    assert conv["separable"] == "5.76× fewer"


def test_flops_are_twice_the_macs():
    assert "36.9 k FLOPs" in render([analysis(conv_row())], View(Rows(unit="flops")))


def test_several_models_end_in_a_comparison():
    report = render([analysis(conv_row()), analysis(plain_row(), name="other")], View())
    last = [cells(line) for line in report.split("\n\n")[-1].strip().splitlines()]
    assert [row[0] for row in last] == ["model", "---", "`tiny`", "`other`"]


def test_names_make_no_markup_and_no_cells():
    report = render([analysis(conv_row("a|b`<img src=x>\n| c"), name="[x](y)")], View())
    assert r"`a\x7cb\x60<img src=x>\n\x7c c`" in report
    assert "**`[x](y)`:" in report


def test_a_name_of_a_megabyte_is_cut():
    assert len(render([analysis(conv_row("x" * 1_000_000))], View())) < 2_000
