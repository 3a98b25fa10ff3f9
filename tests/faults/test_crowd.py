"""Eight processes on one model, one output and one cache; and damaged caches."""

from __future__ import annotations

import json
import sys

import pytest

from tests.faults import sound
from tests.faults.commands import COMMANDS
from tests.faults.process import run, start
from tests.faults.world import make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a POSIX shell and /proc")

MANY = 8


@pytest.mark.parametrize("name", ["analyze", "convert", "convert-apart"])
def test_many_at_once(tmp_path, name):
    command = COMMANDS[name]
    world = make(tmp_path / "w", old=command.outputs)
    outcomes = [one.end() for one in [start(world, command.writes) for _ in range(MANY)]]
    assert {outcome.code for outcome in outcomes} <= {0, 2}
    assert 0 in {outcome.code for outcome in outcomes}
    assert not any(word in one.stderr for word in sound.UNGUARDED for one in outcomes)
    present = [path.name for path in world.work.glob("out.*")]
    sound.check_files(
        world,
        {n: d for n, d in outcomes[0].run.before.items() if not n.startswith("out.")},
        present,
    )
    assert sound.is_whole(world.work / command.outputs[0])


#: Commands that read a cache of times, which may be damaged by a crash or an edit.
CACHES = {
    "peaks.json": "bench m.onnx --max-time 3 --layers -f json",
    "layers.json": "convert m.onnx --dry-run --reduce latency --no-verify -f json",
}


@pytest.mark.parametrize("name", CACHES)
def test_a_damaged_cache_is_measured_again(tmp_path, name):
    world = make(tmp_path / "w")
    cache = world.cache / "sepcost" / name
    cache.parent.mkdir()
    cache.write_text("[" * 100_000)
    outcome = run(world, CACHES[name].split())
    sound.check(outcome, (0,))
    assert json.loads(outcome.stdout)
    assert json.loads(cache.read_text())
