"""The pages generated from the code are up to date and complete."""

import re

import pytest

import sepcost
from docs.tools import reference
from docs.tools.markup import from_rst, table
from sepcost.budget import metrics
from sepcost.cli.app import app


@pytest.fixture(scope="module")
def page():
    return reference.text()


def test_the_page_in_the_repository_is_current(page):
    written = reference.TARGET.read_text(encoding="utf-8")
    assert written == page, "run: python -m docs.tools.reference"


def test_every_command_with_every_option_is_there(page):
    from typer.testing import CliRunner

    for entry in app.registered_commands:
        name = str(getattr(entry.callback, "__name__", ""))
        start = page.index(f"### `sepcost {name} ")
        section = page[start : page.index("\n##", start)]
        shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "400", "NO_COLOR": "1"})
        options = set(re.findall(r"^\W{0,6}(--[\w-]+)", shown.output, re.MULTILINE)) - {"--help"}
        assert options
        assert {option for option in options if f"`{option}" not in section} == set()


def test_every_public_function_and_every_metric_is_there(page):
    for name in ("analyze", "bench", "check", "convert", "diff"):
        assert name in sepcost.__all__
        assert f"### `sepcost.{name}`" in page
    assert all(f"\n| `{metric}` |" in page for metric in metrics.METRICS)


def test_bars_and_line_breaks_do_not_break_a_table():
    assert table(["a", "b"], [["x|y", "1\n2"]]) == "| a | b |\n| --- | --- |\n| x\\|y | 1 2 |"


def test_code_and_tables_of_docstrings_become_markdown():
    text = """Words ``so``.

::

    a = 1

    b = 2

====  =====
key   value
====  =====
``x``
      y
z     more
      lines
====  =====
"""
    assert list(from_rst(text)) == [
        "Words `so`.",
        "```toml\na = 1\n\nb = 2\n```",
        "| key | value |\n| --- | --- |\n| `x` | y |\n| z | more lines |",
    ]
