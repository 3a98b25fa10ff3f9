"""Documents of results, the figures that the pages quote from them, and charts."""

import json
import xml.etree.ElementTree as ET
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import svg
from benchmarks.draw import DRAWN
from benchmarks.figures import ABLATIONS, FIGURES, HEADINGS
from benchmarks.parts import PARTS
from benchmarks.results import RESULTS, SCHEMA, read, write
from benchmarks.table import PAGES, quoted, replaced, tables

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(), inner, max_size=9),
    max_leaves=40,
)  # fmt: skip
HOSTILE = "<script>alert('&')</script>"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_pages_quote_the_results(page):
    name, figures, headings = PAGES[page]
    made = tables(read(), figures, headings)
    assert len(made) > 500
    shown = quoted(page.read_text(encoding="utf-8"), name)
    assert made == shown, "run: python -m benchmarks.table --write"


def test_the_readme_quotes_every_part():
    assert set(read()) == set(FIGURES) == set(DRAWN) == set(PARTS)
    assert set(HEADINGS) | set(ABLATIONS) <= set(FIGURES)


def test_tables_are_put_between_the_markers():
    page = "before\n<!-- x -->\n{}<!-- /x -->\nafter\n"
    assert quoted(page.format("old\n"), "x") == "old\n"
    assert replaced(page.format("old\n"), "x", "new\n") == page.format("new\n")


@pytest.mark.parametrize("name", PARTS)
def test_every_result_says_where_and_how_it_was_measured(name):
    document = read()[name]
    assert document["schema"] == SCHEMA
    assert document["part"] == name
    assert document["machine"]["cores"] > 0
    assert {"load_before", "load_after", "cpu", "governor"} <= set(document["machine"])
    assert document["versions"]["ours"]["onnxruntime"]


@pytest.mark.parametrize("name", PARTS)
def test_every_chart_is_up_to_date(name):
    drawn = (RESULTS / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn == DRAWN[name](read()[name])
    assert ET.fromstring(drawn).tag.endswith("svg")


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_a_module_with_a_command(name):
    assert callable(import_module(f"benchmarks.{name}").main)


@given(JSON)
def test_a_document_comes_back_as_it_was_written(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("results") / "one.json"
    write(path, {"content": document})
    assert json.loads(path.read_text(encoding="utf-8")) == {"content": document}


@pytest.mark.parametrize(
    "drawn",
    [
        svg.whiskers(HOSTILE, HOSTILE, [svg.Whisker(HOSTILE), svg.Whisker("a", (1, 2, 3), "2×")]),
        svg.stacked(HOSTILE, "", {HOSTILE: {"exact": 3, "wrong": 0}}),
        svg.scatter(HOSTILE, ("x", "y"), {HOSTILE: [svg.Spread(2, (0, 0.5, 1), HOSTILE)]}),
    ],
)
def test_names_stay_text_in_charts(drawn):
    texts = [node.text for node in ET.fromstring(drawn).iter()]
    assert HOSTILE in texts
    assert "script" not in {node.tag.rpartition("}")[2] for node in ET.fromstring(drawn).iter()}


def test_ablations_are_shown_below_the_complete_method():
    def row(variant, asked, measured, lost):
        interval = [-0.1, lost, 0.9]
        return {"variant": variant, "asked": asked, "measured": measured, "points_lost": interval}

    rows = [
        row("all", 2.0, 2.0, 0.5),
        row("all", 3.0, 3.1, 0.8),
        row("layers apart", 2.0, 2.1, 0.7),
    ]
    document = {"networks": {"vgg": rows}}
    _, whole = FIGURES["accuracy"](document)
    assert whole.splitlines()[2:] == [
        "| 2 | 2.00× | 0.50 (−0.10 to 0.90) |",
        "| 3 | 3.10× | 0.80 (−0.10 to 0.90) |",
    ]
    _, parts = ABLATIONS["accuracy"](document)
    assert parts.splitlines()[2:] == [
        "| complete method | 2.00× | 0.50 (−0.10 to 0.90) |",
        "| each layer fitted to the original network | 2.10× | 0.70 (−0.10 to 0.90) |",
    ]
