"""Text from a model is escaped in terminals, Markdown and spreadsheets."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.report import text

NASTY = [
    "\x1b[31mred\x1b[0m", "\x1b]8;;http://evil\x07link", "a\nb\r\n", "\u202egpj.exe", "\ud800",
    "`code` | cell", "=1+1", "\t=1+1", "  @SUM(A1)", "[bold]x[/bold]", "<img src=x>", "-2", "",
    "\x9b31m", "\u2028", "\u200b=1", "＝1+1",
]  # fmt: skip
anything = st.text(st.characters(exclude_categories=())) | st.sampled_from(NASTY)


@given(anything)
@pytest.mark.parametrize("escape", [text.terminal, text.code, text.markdown, text.csv])
def test_no_control_character_survives(escape, name):
    controls = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not controls & {unicodedata.category(c) for c in escape(name)}


@given(anything)
def test_the_terminal_shows_what_prints_as_it_is(name):
    if name.isprintable():
        assert text.terminal(name) == name


@given(anything)
def test_a_markdown_span_contains_no_backtick_and_no_cell_border(name):
    span = text.code(name)
    assert "|" not in span
    assert span.count("`") == (2 if name else 0)


@given(anything)
def test_a_csv_cell_is_never_a_formula_and_reads_back(name):
    cell = text.csv(name)
    assert not cell.lstrip().startswith(text.FORMULA)
    out = io.StringIO()
    csv.writer(out).writerow([cell, "next"])
    assert list(csv.reader(io.StringIO(out.getvalue()))) == [[cell, "next"]]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("\x1b[2J", r"\x1b[2J"), ("a\nb", r"a\nb"), ("\u202e", r"\u202e"), ("Größe", "Größe")],
)
def test_escapes_are_those_of_python(name, shown):
    assert text.terminal(name) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("already pointwise", "already pointwise"),
        ("<b>", "`<b>`"),
        ("a|b", r"`a\x7cb`"),
        ("@someone", "`@someone`"),
        ("`", r"`\x60`"),
    ],
)
def test_markdown_does_not_change_plain_words(name, shown):
    assert text.markdown(name) == shown


@given(anything, st.integers(1, 40))
def test_shortening_keeps_both_ends_and_the_limit(name, width):
    short = text.shorten(name, width)
    assert len(short) == min(len(name), width)
    assert short == name or "…" in short


def test_shortening_cuts_the_middle():
    assert text.shorten("features.conv_17.pointwise", 13) == "feat…ointwise"
