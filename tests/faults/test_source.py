"""A model that changes while it is read gives an error or the right answer, never a crash."""

from __future__ import annotations

import sys

import pytest

from tests.faults import sound
from tests.faults.commands import COMMANDS
from tests.faults.process import Fault, run
from tests.faults.world import make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a POSIX shell and /proc")

#: The changes, repeated while the model is read.
CHANGES = {
    "cut short": "truncate -s 20000 m.onnx; cp whole m.onnx",
    "grown": "cat whole >> m.onnx; cp whole m.onnx",
    "replaced": "cp whole next; mv next m.onnx; cp n.onnx next; mv next m.onnx",
    "gone": "rm -f m.onnx; cp whole next; mv next m.onnx",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["analyze", "convert", "bench"])
def test_a_model_that_changes_while_it_is_read(tmp_path, name, change):
    world = make(tmp_path / "w")
    (world.work / "whole").write_bytes((world.work / "m.onnx").read_bytes())
    shell = f"""
        (while [ ! -e ../stop ]; do {CHANGES[change]}; done) 2>/dev/null >/dev/null &
        "$@"; code=$?
        touch ../stop; wait
        cp whole m.onnx; rm -f next; exit $code
    """
    outcome = run(world, COMMANDS[name].prints, Fault(shell))
    sound.check(outcome, (0, 2, 3))
