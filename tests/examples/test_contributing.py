"""The files, folders, tables and modules that CONTRIBUTING.md names exist."""

import re
from importlib.util import find_spec

import pytest

from tests.examples.commands import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORDS = sorted(set(re.findall(r"`([^`\n]+)`", TEXT)))
#: Names in capitals are placeholders. Paths outside the checkout need not exist.
PATHS = [
    word
    for word in WORDS
    if re.fullmatch(r"\.?\w[\w./]*/[\w./]*|\w+\.py", word)
    and not re.search("NAME|FORMAT|COMMAND", word)
]
TABLES = [word for word in WORDS if re.fullmatch("[A-Z]{4,}", word)]
MODULES = sorted(set(re.findall(r"python -m ([\w.]+)", TEXT)))
CODE = [
    path
    for top in ("sepcost", "tests", "benchmarks", "docs")
    for path in (ROOT / top).rglob("*.py")
]


def test_the_page_names_enough():
    assert len(PATHS) > 30
    assert len(TABLES) > 8
    assert len(MODULES) > 6


@pytest.mark.parametrize("path", PATHS)
def test_files_and_folders_exist(path):
    """Relative to the top, the package or a room; a bare file name may be anywhere."""
    places = (ROOT, ROOT / "sepcost", ROOT / "sepcost" / "separable")
    named = "/" not in path and any(file.name == path for file in CODE)
    assert named or any((place / path).exists() for place in places)


@pytest.mark.parametrize("table", TABLES)
def test_tables_exist(table):
    assert any(re.search(rf"^{table}\b.* =", file.read_text("utf-8"), re.M) for file in CODE)


@pytest.mark.parametrize("module", MODULES)
def test_modules_exist(module):
    assert find_spec(module) is not None
