"""With too little memory, a command says so in one line and ends; it neither crashes nor hangs."""

from __future__ import annotations

import sys

import pytest

from tests.faults import sound
from tests.faults.commands import COMMANDS
from tests.faults.process import Fault, run
from tests.faults.world import make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")

MEASUREMENT = 3


@pytest.mark.parametrize("megabytes", [24, 100, 160, 230, 300])
@pytest.mark.parametrize("name", ["analyze", "convert", "bench"])
def test_in_limited_memory(tmp_path, name, megabytes):
    command = COMMANDS[name]
    world = make(tmp_path / "w", old=command.outputs)
    limited = Fault(f'ulimit -v {megabytes * 1000}; exec "$@"')
    outcome = run(world, command.writes, limited)
    if outcome.stderr.startswith("OpenBLAS error: "):  # it reports the error itself
        assert (outcome.code, outcome.stderr.count("\n")) == (2, 1)
        sound.check_files(world, outcome.run.before, command.outputs)
    else:
        sound.check(outcome, (0, 2, MEASUREMENT), command.outputs)


def test_in_too_little_memory_it_says_so(tmp_path):
    outcome = run(make(tmp_path / "w"), ["analyze", "m.onnx"], Fault('ulimit -v 26000; exec "$@"'))
    assert outcome.code == 2
    assert outcome.stderr.startswith("sepcost: error: out of memory")
