"""Completion in the shell, requested as the scripts of --install-completion do."""

import json
import os
import subprocess
import sys

import pytest

from sepcost.cli import complete

ASK = """
import json, sys
from sepcost.cli.app import app
try:
    app(prog_name="sepcost")
finally:
    heavy = {"numpy", "onnx", "onnxruntime"} & set(sys.modules)
    print(json.dumps(sorted(heavy)), file=sys.stderr)
"""


def ask(line, folder):
    """Complete the last word of a line as bash does; return the answers and the imports."""
    words = line.split(" ")
    environment = os.environ | {
        "_SEPCOST_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, cwd=folder,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout.split(), json.loads(done.stderr.splitlines()[-1])


def names(offers):
    return [name for name, _ in offers]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("mine.onnx", "mine.toml", "mine.txt", "a b.onnx", "$(x).onnx", ".hidden.onnx"):
        (tmp_path / name).touch()
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["analyze", "bench vgg16", "convert", "check", "diff a.onnx"])
def test_sources_are_offered_and_nothing_heavy_is_imported(command, folder):
    offered, heavy = ask(f"sepcost {command} squ", folder)
    assert offered == ["squeezenet-1.1"]
    assert heavy == []


def test_networks_offers_names_and_no_files(folder):
    offered, _ = ask("sepcost networks m", folder)
    assert "mobilenet-v1" in offered
    assert "mine.onnx" not in offered


def test_models_nearby_come_after_networks_and_before_folders(folder):
    offered = names(complete.source("m"))
    assert offered[0].startswith("mobilenet")
    assert offered[-3:] == ["mine.onnx", "mine.toml", "models/"]


def test_names_that_a_shell_would_interpret_are_not_offered(folder):
    assert not {"a b.onnx", "$(x).onnx", ".hidden.onnx", "mine.txt"} & set(
        names(complete.source(""))
    )


@pytest.mark.parametrize("typed", ["models/", "../m", "model", "nothing"])
def test_paths_are_left_to_the_shell(typed, folder):
    assert complete.source(typed) == []
