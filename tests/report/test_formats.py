"""The table of formats matches the folders."""

import ast
import inspect
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

from sepcost.cli.options.words import CheckFormat, DiffFormat, Format, ListFormat
from sepcost.report.formats import FORMATS, renderer

REPORT = Path(str(files("sepcost.report")))


def writes(path):
    tree = ast.parse(path.read_text("utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == "render" for node in tree.body)


def test_every_module_that_renders_is_in_the_table():
    found = {
        folder.name: {path.stem for path in folder.glob("*.py") if writes(path)}
        for folder in REPORT.iterdir()
        if folder.is_dir() and folder.name != "html"  # the pages of all commands
    }
    assert {name: kinds for name, kinds in found.items() if kinds} == {
        name: set(kinds) for name, kinds in FORMATS.items()
    }


@pytest.mark.parametrize("command", FORMATS)
def test_all_formats_of_a_command_are_called_alike(command):
    modules = [import_module(f"sepcost.report.{command}.{kind}") for kind in FORMATS[command]]
    signatures = [inspect.signature(module.render).parameters for module in modules]
    assert [list(parameters)[1:] for parameters in signatures] == [["view"]] * len(modules)
    results = {next(iter(parameters.values())).annotation for parameters in signatures}
    assert len(results) == 1


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("analyze", Format), ("bench", Format), ("convert", Format), ("check", CheckFormat),
        ("diff", DiffFormat), ("providers", ListFormat),
    ],
)  # fmt: skip
def test_every_available_format_is_written(command, options):
    for kind in options:
        assert callable(renderer(command, kind))


def test_an_unknown_format_is_refused():
    with pytest.raises(KeyError, match="diff has no format csv"):
        renderer("diff", "csv")
