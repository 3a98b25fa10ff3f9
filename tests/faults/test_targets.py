"""Places that cannot be written, and files that another process has open."""

from __future__ import annotations

import os
import sys

import pytest

from tests.faults import sound
from tests.faults.commands import COMMANDS, WRITING
from tests.faults.process import Fault, run, start
from tests.faults.world import OLD, make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a POSIX shell and /proc")

QUICK = [name for name in WRITING if not COMMANDS[name].children]


def _folder(world, name):
    (world.work / name).mkdir()


def _nowhere(world, name):
    (world.work / name).symlink_to("nowhere/file")


def _through_a_file(world, name):
    (world.work / name).symlink_to("m.onnx/file")


def _circle(world, name):
    (world.work / name).symlink_to(name)


def _pipe(world, name):
    os.mkfifo(world.work / "pipe")
    (world.work / name).symlink_to("pipe")


#: Obstacles at the place of the output: the exit code is 2, and nothing changes.
PLACES = {
    "a folder": _folder,
    "a link to nowhere": _nowhere,
    "a link through a file": _through_a_file,
    "a link to itself": _circle,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["analyze", "check", "convert", "convert-apart", "networks"])
def test_a_place_that_cannot_be_written(tmp_path, name, place):
    command = COMMANDS[name]
    world = make(tmp_path / "w")
    PLACES[place](world, command.outputs[0])
    outcome = run(world, command.writes)
    sound.check(outcome, (2,))
    assert any(name in outcome.stderr for name in (command.outputs[0], "nowhere", "m.onnx"))


@pytest.mark.parametrize("name", ["convert", "convert-apart"])
def test_a_model_replaces_only_regular_files(tmp_path, name):
    """Root could rename a file over a device, which would remove it for everybody."""
    world = make(tmp_path / "w")
    _pipe(world, "out.onnx")
    outcome = run(world, COMMANDS[name].writes)
    sound.check(outcome, (2,))
    assert "not a regular file" in outcome.stderr


def test_a_device_that_is_full(tmp_path):
    outcome = run(make(tmp_path / "w"), ["analyze", "m.onnx", "-f", "json", "-o", "/dev/full"])
    sound.check(outcome, (2,))
    assert outcome.stderr == "sepcost: error: /dev/full: No space left on device\n"


@pytest.mark.parametrize(
    "name", ["analyze", "analyze-page", "convert", "convert-apart", "networks"]
)
def test_a_disk_that_is_full(tmp_path, name):
    """Simulated by a limit on file size; ``test_stages`` simulates the error of the disk."""
    command = COMMANDS[name]
    world = make(tmp_path / "w", old=command.outputs)
    whole_imports = {"PYTHONDONTWRITEBYTECODE": "1"}  # else .pyc files are cut off and stay
    outcome = run(world, command.writes, Fault('ulimit -f 4; exec "$@"', environment=whole_imports))
    sound.check(outcome, (2,))
    assert command.outputs[0] in outcome.stderr


@pytest.mark.parametrize("name", ["analyze", "convert", "networks", "check"])
def test_a_folder_that_takes_no_files(tmp_path, name):
    command = COMMANDS[name]
    world = make(tmp_path / "w", old=command.outputs)
    world.work.chmod(0o555)
    try:
        if os.access(world.work, os.W_OK):
            pytest.skip("may write to every folder")
        sound.check(run(world, command.writes), (2,))
    finally:
        world.work.chmod(0o755)


@pytest.mark.parametrize("name", QUICK)
def test_a_process_that_has_the_old_file_open_keeps_it(tmp_path, name):
    command = COMMANDS[name]
    world = make(tmp_path / "w", old=command.outputs)
    held = [(world.work / output).open("rb") for output in command.outputs]
    outcome = run(world, command.writes)
    sound.check(outcome, (0,), [*command.outputs, "out.onnx.2.data"])
    assert [file.read() for file in held] == [OLD] * len(held)
    for file in held:
        file.close()
    assert sound.is_whole(world.work / command.outputs[0])


@pytest.mark.parametrize("name", ["analyze", "analyze-page"])
def test_a_pipe_is_written_to(tmp_path, name):
    command = COMMANDS[name]
    world = make(tmp_path / "w")
    pipe = world.work / command.outputs[0]
    os.mkfifo(pipe)
    running = start(world, command.writes)
    written = pipe.read_bytes()
    sound.check(running.end(), (0,))
    pipe.unlink()
    pipe.write_bytes(written)
    assert sound.is_whole(pipe)
