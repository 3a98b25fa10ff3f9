"""The processes that measure die or hang: told in one line, and nobody stays behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.faults import sound
from tests.faults.process import TOKEN, start
from tests.faults.world import make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEASUREMENT = 3

#: Commands while their children are at work.
MEASURING = {
    "bench": "bench m.onnx --max-time 20 -q",
    "report": "report m.onnx -o out.html --max-time 20 -q",
    "convert": "convert m.onnx -o out.onnx --rank 1 --max-time 20 -q",
}


def worker(running):
    """Wait for a child of a command that measures."""
    wanted = f"{TOKEN}={running.token}".encode()
    while running.process.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes()
                ours = wanted in (process / "environ").read_bytes()
            except OSError:
                continue
            if ours and b"sepcost.latency.worker" in words:
                return int(process.name)
        time.sleep(0.01)
    raise AssertionError(running.end().stderr)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
@pytest.mark.parametrize("name", MEASURING)
def test_a_child_that_dies(tmp_path, name, number):
    running = start(make(tmp_path / "w"), MEASURING[name].split())
    os.kill(worker(running), number)
    outcome = running.end()
    sound.check(outcome, (MEASUREMENT,))
    assert outcome.stderr.startswith("sepcost: error: ")
    assert outcome.stderr.count("\n") == 1
    assert "memory ran out" in outcome.stderr or signal.Signals(number).name in outcome.stderr


def test_a_child_that_hangs(tmp_path):
    running = start(make(tmp_path / "w"), ["bench", "m.onnx", "--timeout", "2", "-q"])
    os.kill(worker(running), signal.SIGSTOP)
    outcome = running.end()
    sound.check(outcome, (MEASUREMENT,))
    assert "no sign of life for 2 s" in outcome.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("name", MEASURING)
def test_a_parent_that_dies(tmp_path, name, number):
    world = make(tmp_path / "w")
    running = start(world, MEASURING[name].split())
    worker(running)
    running.process.send_signal(number)
    outcome = running.end()
    if number == signal.SIGKILL:  # nobody was left to clear the folder for temporary files
        for left in world.temporary.iterdir():
            left.rename(world.top / left.name)
    expected = {signal.SIGINT: 130, signal.SIGKILL: -number}.get(number, 128 + number)
    sound.check(outcome, (expected,))
    assert outcome.stderr == ""
