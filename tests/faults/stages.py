"""Break a command at each stage of writing its files, from the first to the last.

Run as a program, it loads the command once and forks for each stage, so that hundreds of stages
take seconds. A stage is any request to the system to change a file of the world: to open, write
out, rename or remove one. It prints one line of JSON per stage.

``python -m tests.faults.stages WORLD FAULT WORD...``, where a fault is a key of ``FAULTS``.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from sepcost.__main__ import main as command
from sepcost.cli.app import build
from tests.faults.world import World
from tests.strangers.short import in_process

#: Audit events that change files.
EVENTS = frozenset({"open", "fsync", "os.mkdir", "os.rename", "os.chmod", "os.remove", "os.rmdir"})

#: Events that need space on the disk.
TAKING = frozenset({"open", "fsync", "os.mkdir", "os.rename"})

MOST = 200

Act = Callable[[str], None]

#: Modules imported once, before the stages fork.
LOADED = ("sepcost.routes.analyze", "sepcost.separable.convert", "sepcost.model.spec.construct")


def main() -> None:
    """Break the command at one stage after another until none is left."""
    pristine, fault, words = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    for name in LOADED:
        import_module(name)
    build()
    for stage in count():
        world = World(pristine.with_name(f"stage-{stage}"))
        shutil.copytree(pristine, world.top, symlinks=True)
        child = os.fork()
        if not child:
            _break(world, stage, FAULTS[fault])
            _run(world, words)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        event = world.top / "broken"
        stands = event.read_text() if event.exists() else None
        print(json.dumps({"code": code, "event": stands, "world": str(world.top)}), flush=True)
        if stands is None or stage > MOST:
            return


def _break(world: World, stage: int, act: Act) -> None:
    """Make this process act when it reaches a stage."""
    left = stage

    def watch(event: str, arguments: Sequence[Any]) -> None:
        nonlocal left
        if event not in EVENTS or not _changes(world, event, arguments):
            return
        if act.__name__ == "refuse" and event not in TAKING:
            return
        left -= 1
        if left == -1:
            (world.top / "broken").write_text(f"{event} {arguments[0]}")
            act(event)

    fsync = os.fsync

    def watched(fd: Any) -> None:
        watch("fsync", (str(world.work),))
        fsync(fd)

    os.fsync = watched
    sys.addaudithook(watch)


def _changes(world: World, event: str, arguments: Sequence[Any]) -> bool:
    """Whether a file of the world is about to change."""
    if event == "open" and not int(arguments[2]) & (os.O_WRONLY | os.O_RDWR):
        return False
    name = os.path.abspath(str(arguments[0]))
    return name.startswith((str(world.work), str(world.temporary)))


def _run(world: World, words: Sequence[str]) -> None:
    """Run the command as a shell would start it."""
    for name in SIGNALS:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(world.environment())
    os.chdir(world.work)
    os.dup2(os.open(world.work / "m.onnx", os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(world.top / "stderr", os.O_WRONLY | os.O_CREAT), 2)
    sys.argv = ["sepcost", *words]
    with in_process(world.top):  # measuring in children would take seconds per stage
        command()


def _sending(name: str) -> Act:
    def send(_: str) -> None:
        os.kill(os.getpid(), getattr(signal, name))

    return send


def _refusing(name: str) -> Act:
    number = getattr(errno, name)

    def refuse(_: str) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
FAULTS: Mapping[str, Act] = {
    **{name: _sending(name) for name in (*SIGNALS, "SIGKILL")},
    **{name: _refusing(name) for name in ("ENOSPC", "EIO")},
}

if __name__ == "__main__":
    main()
