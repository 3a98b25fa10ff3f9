"""Run a command as a process, under a line of shell that causes a fault."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.faults.world import World, digests

TOKEN = "SEPCOST_TEST_TOKEN"
LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of shell around the command ``"$@"``, and its allowed outcomes.

    ``environment`` changes variables; None removes one.
    """

    shell: str = 'exec "$@"'
    codes: tuple[int, ...] = (0,)
    environment: Mapping[str, str | None] = field(default_factory=dict)


NONE = Fault()


@dataclass(frozen=True, slots=True)
class Running:
    """A running command."""

    process: subprocess.Popen[bytes]
    world: World
    before: Mapping[str, str]
    token: str

    def end(self) -> Outcome:
        """Wait for the end."""
        with self.process:
            stdout, stderr = self.process.communicate(timeout=LIMIT_S)
        code = self.process.returncode
        return Outcome(code, stdout, stderr.decode(errors="replace"), self)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: str
    run: Running


def start(
    world: World, words: Sequence[str], fault: Fault = NONE, stdin: IO[bytes] | None = None
) -> Running:
    """Start a command in a world."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's & does for its children
        signal.signal(signal.SIGINT, signal.default_int_handler)
    token = secrets.token_hex(8)
    changed: dict[str, str | None] = {**world.environment(), **fault.environment, TOKEN: token}
    before = digests(world.work)
    process = subprocess.Popen(
        ["sh", "-c", fault.shell, "sh", sys.executable, "-m", "sepcost", *words],
        cwd=world.work,
        env={name: value for name, value in changed.items() if value is not None},
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return Running(process, world, before, token)


def run(world: World, words: Sequence[str], fault: Fault = NONE) -> Outcome:
    """Run a command to its end; a word ``-`` reads the first model."""
    if "-" not in words:
        return start(world, words, fault).end()
    with (world.work / "m.onnx").open("rb") as model:
        return start(world, words, fault, model).end()


def left_running(token: str) -> list[int]:
    """Processes of a run that still exist after a short wait."""
    for _ in range(100):
        found = [int(p.name) for p in Path("/proc").glob("[0-9]*") if _is_of(p, token)]
        if not found:
            return []
        time.sleep(0.05)
    return found


def _is_of(process: Path, token: str) -> bool:
    with suppress(OSError):
        return f"{TOKEN}={token}".encode() in (process / "environ").read_bytes()
    return False


def can_find_processes() -> bool:
    """Whether this system lists processes as Linux does."""
    return Path(f"/proc/{os.getpid()}/environ").exists()
