"""A command that is killed or refused at any stage of writing loses and truncates nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from sepcost import atomic_file
from sepcost.__main__ import UNINTERRUPTED
from sepcost.atomic_file import SUFFIX
from tests.faults import sound
from tests.faults.commands import COMMANDS
from tests.faults.world import ROOT, World, digests, keep_apart, make, model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")

#: Allowed exit codes. A fault after the file is in place and reported comes too late.
CODES = {
    "SIGKILL": {-signal.SIGKILL},
    "SIGTERM": {128 + signal.SIGTERM, 0},
    "SIGINT": {130, 0},
    "SIGHUP": {128 + signal.SIGHUP, 0},
    "ENOSPC": {2, 0},
    "EIO": {2, 0},
}
BROKEN = [
    *((name, "SIGKILL") for name in ("analyze", "bench", "check", "convert", "networks")),
    *((name, "ENOSPC") for name in ("analyze-stdin", "bench", "convert", "networks")),
    *(("convert-apart", fault) for fault in ("SIGKILL", "SIGTERM", "SIGINT", "ENOSPC", "EIO")),
    *(("analyze-stdin", fault) for fault in ("SIGTERM", "SIGINT", "SIGHUP")),
]


def stages(world, fault, words):
    """Each stage: the exit code, the pending request, and the world afterwards."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.stages", str(world.top), fault, *words],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_uninterruptible_modules_exist():
    """A renamed module would be interrupted again, at stages that no test may reach."""
    assert atomic_file.__name__ in UNINTERRUPTED
    for name in UNINTERRUPTED:
        assert vars(import_module(name))["__name__"] == name


@pytest.mark.parametrize(("name", "fault"), BROKEN)
def test_every_stage(tmp_path, name, fault):
    command = COMMANDS[name]
    pristine = make(tmp_path / "pristine", old=command.outputs)
    if "out.onnx.data" in command.outputs:  # the model in place is valid and finds its data
        keep_apart(model(1), pristine.work / "out.onnx")
    before = digests(pristine.work)
    *broken, last = stages(pristine, fault, command.writes)
    assert (last["code"], last["event"]) == (0, None)
    assert len(broken) > 3
    for one in broken:
        world = World(Path(one["world"]))
        stderr = (world.top / "stderr").read_text()
        assert one["code"] in CODES[fault], (one, stderr)
        assert not any(word in stderr for word in sound.UNGUARDED), (one, stderr)
        assert stderr.startswith("sepcost: error: ") or one["code"] != 2, (one, stderr)
        check(world, before, command.outputs, killed=fault == "SIGKILL")


def check(world, before, outputs, *, killed):
    """Files are old or new; the next write removes what a kill left behind."""
    if killed:
        atomic_file.write(b"", world.work / "next")
        (world.work / "next").unlink()
        for left in world.temporary.iterdir():  # the system must clear it: no process was left
            left.rename(world.top / left.name)
    after = digests(world.work)
    assert set(before) - {"out.onnx.data"} <= set(after)
    assert not [name for name in after if name.endswith(SUFFIX)]
    data, other = "out.onnx.data", "out.onnx.2.data"
    if data in before:
        replaced = after["out.onnx"] != before["out.onnx"]
        assert replaced or after[data] == before[data]
        assert data in after if not replaced else other in after
        if not killed:
            assert (data in after) != (other in after)
    outputs = [name for name in (*outputs, other) if name in after]
    sound.check_files(world, {n: d for n, d in before.items() if n in after}, outputs)
