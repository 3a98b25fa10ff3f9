"""CONTRIBUTING.md names what there is: files, folders, tables, modules to run."""

import re
from importlib.util import find_spec

import pytest

from tests.examples.commands import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORDS = sorted(set(re.findall(r"`([^`\n]+)`", TEXT)))
#: Those in capitals stand for what is to be added; nothing beside the checkout has to be there.
PATHS = [
    word
    for word in WORDS
    if re.fullmatch(r"\.?\w[\w./]*/[\w./]*|\w+\.py", word) and not re.search("NAME|FORMAT", word)
]
TABLES = [word for word in WORDS if re.fullmatch("[A-Z]{4,}", word)]
MODULES = sorted(set(re.findall(r"python -m ([\w.]+)", TEXT)))
CODE = [
    path
    for top in ("sepcost", "tests", "benchmarks", "docs")
    for path in (ROOT / top).rglob("*.py")
]


def test_there_is_something_to_look_for():
    assert len(PATHS) > 30
    assert len(TABLES) > 8
    assert len(MODULES) > 6


@pytest.mark.parametrize("path", PATHS)
def test_files_and_folders_are_there(path):
    """From the top, within the package or, called by name alone, anywhere."""
    places = (ROOT, ROOT / "sepcost", ROOT / "sepcost" / "separable")
    named = "/" not in path and any(file.name == path for file in CODE)
    assert named or any((place / path).exists() for place in places)


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_there(table):
    assert any(re.search(rf"^{table}\b.* =", file.read_text("utf-8"), re.M) for file in CODE)


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_there(module):
    assert find_spec(module) is not None
