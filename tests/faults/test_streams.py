"""Broken pipes, full or closed streams, terminals and encodings of every kind."""

from __future__ import annotations

import os
import sys

import pytest

from tests.faults import sound
from tests.faults.commands import COMMANDS
from tests.faults.process import Fault, run
from tests.faults.world import make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a POSIX shell and /dev/full")

#: ``"$@"`` is the command. If its output cannot be written, the exit code must tell.
STREAMS = {
    "stdout closed": Fault('exec "$@" >&-', (2,)),
    "all closed": Fault('exec "$@" <&- >&- 2>&-', (2,)),
    "stdout full": Fault('exec "$@" >/dev/full', (2,)),
    "stderr full": Fault('exec "$@" 2>/dev/full'),
    "broken pipe": Fault('{ "$@"; echo $? >../code; } | :; exit $(cat ../code)'),
}

#: More faults, which all commands handle in the same place.
RARER = {
    "stderr closed": Fault('exec "$@" 2>&-'),
    "stdout and stderr closed": Fault('exec "$@" >&- 2>&-', (2,)),
    "stdin closed": Fault('exec "$@" <&-'),
    "both full": Fault('exec "$@" >/dev/full 2>/dev/full', (2,)),
    "head": Fault('"$@" | head -1'),
    "stderr's reader gone": Fault('{ "$@" 2>&1 >&3 | :; } 3>&1'),
}

#: Terminals, encodings and folders that must not change the output.
SETTINGS: dict[str, dict[str, str | None]] = {
    "dumb, narrow": {"TERM": "dumb", "COLUMNS": "1", "PYTHONIOENCODING": "ascii"},
    "coloured, wide": {"TERM": "xterm", "FORCE_COLOR": "1", "COLUMNS": "10000"},
    "colours refused": {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": "20", "TERM": None},
    "nonsense": {"COLUMNS": "-3", "LINES": "x", "LC_ALL": "xx_XX.nonsense", "TERM": "nonsense"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"},
    "utf-16": {"PYTHONIOENCODING": "utf-16"},
    "no folders": {"HOME": None, "XDG_CACHE_HOME": None, "TMPDIR": None, "LANG": None},
    "home is a file": {"HOME": "/dev/null", "XDG_CACHE_HOME": None},
    "cache is a file": {"XDG_CACHE_HOME": "/dev/null", "TMPDIR": "/nonexistent"},
}


@pytest.mark.parametrize("fault", STREAMS)
@pytest.mark.parametrize("name", COMMANDS)
def test_streams(tmp_path, name, fault):
    outcome = run(make(tmp_path / "w"), COMMANDS[name].prints, STREAMS[fault])
    sound.check(outcome, STREAMS[fault].codes)


@pytest.mark.parametrize("fault", RARER)
@pytest.mark.parametrize("name", ["analyze", "convert"])
def test_more_streams(tmp_path, name, fault):
    outcome = run(make(tmp_path / "w"), COMMANDS[name].prints, RARER[fault])
    sound.check(outcome, RARER[fault].codes)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["analyze", "convert", "check"])
def test_settings(tmp_path, name, setting):
    outcome = run(make(tmp_path / "w"), COMMANDS[name].prints, Fault(environment=SETTINGS[setting]))
    sound.check(outcome, (0,))
    assert outcome.stdout


@pytest.mark.parametrize("words", [["analyze", "--nonsense"], ["--help"], ["analyze", "nowhere"]])
@pytest.mark.parametrize("fault", ["both full", "stdout and stderr closed"])
def test_errors_that_cannot_be_printed_set_the_exit_code(tmp_path, words, fault):
    sound.check(run(make(tmp_path / "w"), words, RARER[fault]), (2,))


def test_help_on_a_full_device(tmp_path):
    outcome = run(make(tmp_path / "w"), ["--help"], STREAMS["stdout full"])
    sound.check(outcome, (2,))
    assert "No space left on device" in outcome.stderr


@pytest.mark.parametrize("name", ["analyze", "convert", "diff"])
def test_names_that_are_not_text(tmp_path, name):
    """A name is bytes, which need not be UTF-8."""
    world, odd = make(tmp_path / "w"), os.fsdecode(b"m\xff\n\x1b[31m.onnx")
    (world.work / odd).write_bytes((world.work / "m.onnx").read_bytes())
    words = [odd if word == "m.onnx" else word for word in COMMANDS[name].writes]
    outcome = run(world, words, Fault(environment={"LC_ALL": "C", "PYTHONUTF8": "0"}))
    sound.check(outcome, (0,), COMMANDS[name].outputs)
    assert "\x1b" not in outcome.stderr
