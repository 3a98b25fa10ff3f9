"""Measuring processes that die or hang are reported in one line and leave no process behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import onnx
import onnx.parser
import pytest

from tests.faults import sound
from tests.faults.process import TOKEN, run, start
from tests.faults.world import make
from tests.latency.models import HANG

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEASUREMENT = 3

#: Commands that measure in children.
MEASURING = {
    "bench": "bench m.onnx --max-time 20 -q",
    "report": "report m.onnx -o out.html --max-time 20 -q",
    "convert": "convert m.onnx -o out.onnx --rank 1 --max-time 20 -q",
}
CONVERTING = ["convert", "m.onnx", "-o", "out.onnx", "--rank", "1", "--force"]
#: Times its layers before there is a plan.
TIMING = ["convert", "m.onnx", "-o", "out.onnx", "--speedup", "1.1"]
MISSED = 1
STUCK = "bench stuck.onnx --timeout 2 -q"

#: CPU time, in hundredths of a second, that only a child with an endless model uses.
LONG = 100


def stuck(folder):
    """A world with an endless model."""
    world = make(folder)
    text = f'<ir_version: 8, opset_import: ["": 17]> {HANG}'
    onnx.save(onnx.parser.parse_model(text), world.work / "stuck.onnx")
    return world


def worker(running, computed=0):
    """Wait for a child of a command that measures."""
    wanted = f"{TOKEN}={running.token}".encode()
    while running.process.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes()
                ours = wanted in (process / "environ").read_bytes()
                ticks = int((process / "stat").read_text().rsplit(")", 1)[1].split()[11])
            except OSError:
                continue
            if ours and b"sepcost.latency.worker" in words and ticks >= computed:
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
    assert "no response for 2 s" in outcome.stderr


def test_a_model_that_never_ends(tmp_path):
    outcome = run(stuck(tmp_path / "w"), STUCK.split())
    sound.check(outcome, (MEASUREMENT,))
    assert "no response for 2 s" in outcome.stderr


ENDINGS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]
ENDED = [
    (name, number)
    for name in MEASURING
    for number in ENDINGS
    if (name, number) != ("convert", signal.SIGINT)  # which stops only the search
]


@pytest.mark.parametrize(("name", "number"), ENDED)
def test_a_parent_that_dies(tmp_path, name, number):
    running = start(make(tmp_path / "w"), MEASURING[name].split())
    worker(running)
    check_ending(running, number)


def test_the_first_interrupt_of_a_conversion_ends_its_search(tmp_path):
    running = start(make(tmp_path / "w"), CONVERTING)
    worker(running)
    running.process.send_signal(signal.SIGINT)
    outcome = running.end()
    sound.check(outcome, (0, MISSED), ("out.onnx",))
    assert outcome.stderr.startswith("sepcost: stopping with the best plan found so far")
    assert (running.world.work / "out.onnx").exists()
    assert b"measured" in outcome.stdout


def test_the_second_interrupt_of_a_conversion_ends_it(tmp_path):
    running = start(make(tmp_path / "w"), CONVERTING)
    worker(running)
    running.process.send_signal(signal.SIGINT)
    assert running.process.stderr is not None
    while b"stopping" not in os.read(running.process.stderr.fileno(), 1000):
        pass
    check_ending(running, signal.SIGINT)


def test_a_conversion_interrupted_before_there_is_a_plan(tmp_path):
    running = start(make(tmp_path / "w"), TIMING)
    worker(running)
    running.process.send_signal(signal.SIGINT)
    outcome = running.end()
    sound.check(outcome, (130,))
    assert outcome.stderr.endswith("stopped before there was a plan; nothing was written\n")


def test_a_conversion_without_time_for_a_plan(tmp_path):
    outcome = run(make(tmp_path / "w"), [*TIMING, "--max-time", "0.2"])
    sound.check(outcome, (MISSED,))
    assert outcome.stderr == "sepcost: error: no plan was found within 0.2 s; raise --max-time\n"


@pytest.mark.parametrize("number", ENDINGS)
def test_a_parent_that_dies_while_the_model_never_ends(tmp_path, number):
    """The child cannot run a signal handler while the model runs."""
    running = start(stuck(tmp_path / "w"), STUCK.replace("2", "100").split())
    worker(running, LONG)
    check_ending(running, number)


def check_ending(running, number):
    """The parent ends as requested, without output, and its child ends too."""
    running.process.send_signal(number)
    outcome = running.end()
    if number == signal.SIGKILL:  # no process was left to clear the temporary folder
        world = running.world
        for left in world.temporary.iterdir():
            left.rename(world.top / left.name)
    expected = {signal.SIGINT: 130, signal.SIGKILL: -number}.get(number, 128 + number)
    sound.check(outcome, (expected,))
    assert outcome.stderr == ""
