"""The command as a process: imports, exit codes, pipes, interrupts."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli import models

HEAVY = ("numpy", "onnx", "onnx_ir", "onnxruntime")


def sepcost(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "sepcost", *arguments],
        capture_output=True, text=True, timeout=120, check=False, encoding="utf-8", **more,
    )  # fmt: skip


def python(code, **more):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=120, check=False, **more,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["--version"], []])
def test_help_imports_nothing_heavy(arguments):
    code = f"""
import sys
from sepcost.cli.app import app
try:
    app({arguments!r}, prog_name="sepcost")
except SystemExit:
    pass
heavy = [name for name in {HEAVY!r} if name in sys.modules]
assert not heavy, heavy
"""
    result = python(code)
    assert result.returncode == 0, result.stderr


def test_importing_the_package_imports_nothing_heavy():
    result = python(
        f"import sys, sepcost; sepcost.analyze; assert not set({HEAVY!r}) & set(sys.modules)"
    )
    assert result.returncode == 0, result.stderr


def test_the_version():
    assert sepcost("--version").stdout.startswith("sepcost ")


def test_the_model_may_come_from_stdin(tmp_path):
    with open(models.conv(tmp_path), "rb") as file:
        result = sepcost("analyze", "-", "-f", "json", stdin=file)
    assert json.loads(result.stdout)["models"][0]["totals"]["macs"] == 18432


def test_a_closed_pipe_is_not_an_error(tmp_path):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        result = subprocess.run(
            [sys.executable, "-m", "sepcost", "analyze", models.conv(tmp_path)],
            stdout=gone, stderr=subprocess.PIPE, timeout=120, check=False,
        )  # fmt: skip
    assert result.stderr == b""


BROKEN = """
from sepcost.routes import analyze
from sepcost.cli.app import app
def broken(*_, **__):
    raise {error}
analyze.sweep = broken
app(["analyze", "vgg16"])
"""


def test_an_interrupt_is_not_an_error():
    result = python(BROKEN.format(error="KeyboardInterrupt"))
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@pytest.mark.parametrize("error", ["ValueError('x\\n\\x1b[31my')", "RecursionError"])
def test_an_unexpected_error_is_one_line_that_asks_for_a_report(error):
    result = python(BROKEN.format(error=error))
    assert result.returncode == 2
    assert result.stderr.startswith("sepcost: error: unexpected ")
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    "error",
    [
        "MemoryError",
        "OSError(12, 'Cannot allocate memory')",
        "ImportError('x.so: failed to map segment from shared object')",
    ],
)
def test_lack_of_memory_is_reported_as_such(error):
    result = python(BROKEN.format(error=error))
    assert result.returncode == 2
    assert result.stderr.startswith("sepcost: error: out of memory")
    assert result.stderr.count("\n") == 1


def test_the_traceback_is_there_on_request():
    result = python(
        BROKEN.format(error="ValueError('x')"), env={**os.environ, "SEPCOST_DEBUG": "1"}
    )
    assert "Traceback" in result.stderr


def test_an_error_of_the_system_is_one_line(tmp_path):
    result = sepcost("analyze", "small-cnn", "-q", "-o", str(tmp_path / "no" / "folder.txt"))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def test_output_works_in_an_encoding_without_its_characters(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = sepcost("analyze", models.conv(tmp_path), env=environment)
    assert result.returncode == 0
    assert "5.76? fewer" in result.stdout
