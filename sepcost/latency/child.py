"""Start a child process, read its messages, and make sure that it ends.

The child leads its own process group, which is killed whatever happens here: a time-out, Ctrl-C or
an error. If this process is killed, the child notices that its stdin closes, and exits.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from sepcost import errors
from sepcost.errors import MeasurementError
from sepcost.latency.jobs import Job
from sepcost.latency.prepared import prepared

Message = Mapping[str, Any]
OnStage = Callable[[Message], None]

GRACE_S = 5.0  # from a child's last message to its exit
# -P: do not import files in the user's folder that are named like modules.
COMMAND = (sys.executable, "-P", "-m", "sepcost.latency.worker")


def execute(job: Job, timeout_s: float, on_stage: OnStage = lambda _: None) -> Message:
    """Run ``job`` in a child process and return its result.

    Parameters
    ----------
    timeout_s
        How long the child may be silent before it counts as hanging; each run sends a message.
    on_stage
        Called with each message.

    Raises
    ------
    MeasurementError
        The child crashed, hung or could not measure.
    SepcostError
        The kind that the child raised: a model or an input is at fault.
    """
    # Temporary files that ONNX Runtime and its providers leave are deleted with the folder.
    with (
        prepared(job) as (ready, finish),
        tempfile.TemporaryDirectory(prefix="sepcost-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as stderr,
        _started(stderr, folder) as process,
    ):
        try:
            _send(process, ready)
            lines = _lines(process)
            return finish(
                listen(
                    lambda most_s: lines.get(timeout=most_s),
                    ", ".join(model.name for model in job.models),
                    timeout_s,
                    on_stage,
                    lambda where: _death(process, where, stderr),
                )
            )
        finally:
            _kill(process)


def _started(stderr: IO[bytes], folder: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        env=_environment() | {"TMPDIR": folder, "TEMP": folder, "TMP": folder},
    )


def _environment() -> dict[str, str]:
    """Make the child import this same package, also from a checkout."""
    root = Path(__file__).resolve().parents[2]
    if root.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    search = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(root)]))
    return os.environ | {"PYTHONPATH": search}


def _send(process: subprocess.Popen[str], job: Job) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(job.to_json()) + "\n")
        process.stdin.flush()  # stays open: when it closes, the child knows that we are gone
    except BrokenPipeError:
        pass  # it died immediately; ``_death`` says why


def listen(
    hear: Callable[[float], Message | None],
    names: str,
    timeout_s: float,
    on_stage: OnStage,
    death_at: Callable[[str], MeasurementError],
) -> Message:
    """Follow a worker's messages to its result.

    Parameters
    ----------
    hear
        Waits so many seconds for the next message; None if the worker has ended.
    names
        The models of its job.
    timeout_s, on_stage
        As for ``execute``.
    death_at
        The error for a worker that ended before its result, given the step.
    """
    stage: Message = {"stage": "starting", "model": names}
    while True:
        try:
            message = hear(timeout_s)
        except queue.Empty:
            raise MeasurementError(
                f"{_where(stage)}: no response for {timeout_s:g} s, so it was stopped "
                f"(if it is only slow, raise --timeout)"
            ) from None
        if message is None:
            raise death_at(_where(stage))
        if "done" in message:
            return dict(message["done"])
        if "failed" in message:
            kind = getattr(errors, message["failed"]["type"], MeasurementError)
            raise kind(message["failed"]["message"])
        stage = message if message["stage"] else stage
        on_stage(stage)


def _lines(process: subprocess.Popen[str]) -> queue.SimpleQueue[Message | None]:
    """Read in a thread, as pipes have no time-out on some platforms."""
    lines: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.put(json.loads(line))
        except ValueError:
            pass  # closed meanwhile, or half a line of a dead child
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _where(stage: Message) -> str:
    return f"{stage['model']}: while {stage['stage']}"


def _death(process: subprocess.Popen[str], where: str, stderr: IO[bytes]) -> MeasurementError:
    try:
        code = process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        return MeasurementError(f"{where}, the measuring process stopped responding")
    stderr.seek(0)
    return death(where, code, stderr.read()[-2000:].decode(errors="replace"))


def death(where: str, code: int, said: str) -> MeasurementError:
    """The cause of a child's death, from its exit code and its last line of stderr."""
    if code < 0:
        return MeasurementError(f"{where}, ONNX Runtime {_signal(-code)}")
    words = said.strip().splitlines()
    last = words[-1][:300] if words else "no message"
    return MeasurementError(f"{where}, the measuring process exited with {code}: {last}")


def _signal(number: int) -> str:
    if number == getattr(signal, "SIGKILL", None):
        return "was killed (SIGKILL), most likely because memory ran out"
    known = {s.value: s.name for s in signal.Signals}
    return f"crashed with {known.get(number, f'signal {number}')}"


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill the child and all processes that it started. Idempotent."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass  # already gone
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it died before reading its job
            process.stdin.close()
