"""A name has one meaning."""

import ast
from collections import defaultdict

from tests.examples.commands import ROOT


def test_no_class_name_occurs_twice():
    places = defaultdict(list)
    folders = ("sepcost", "benchmarks", "docs")
    for path in sorted(file for name in folders for file in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert len(places) > 100
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
