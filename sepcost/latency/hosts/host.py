"""A far machine that runs jobs, as ``child`` does here."""

from __future__ import annotations

import json
import queue
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from sepcost.errors import HostError, MeasurementError
from sepcost.latency import child
from sepcost.latency.hosts import package
from sepcost.latency.hosts.connection import Answer, Connection
from sepcost.latency.hosts.sending import Hashes, Parcel
from sepcost.latency.jobs import Job
from sepcost.latency.prepared import prepared
from sepcost.latency.results import Machine

LEAST_PYTHON = (3, 11)  # the oldest that ONNX Runtime's wheels take
FACTS_S = 60.0
GRACE_S = 5.0


@dataclass(slots=True)
class Host:
    """A machine to measure on. The connection opens when it is first needed."""

    name: str  # as the user typed it: an ssh destination
    _open: Connection | None = None
    _hashes: Hashes = field(default_factory=Hashes)

    def __enter__(self) -> Host:
        """Use the machine in a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        """Hang up: nothing but the cache stays there."""
        self.close()

    def close(self) -> None:
        """Hang up; another job opens a new connection."""
        if self._open is not None:
            self._open.close()
            self._open, self._hashes = None, Hashes()

    def connection(self) -> Connection:
        """The open connection.

        Raises
        ------
        HostError
            The machine cannot be reached, or has no Python that is new enough.
        """
        if self._open is None:
            line = Connection(self.name)
            if tuple(line.hello["python"]) < LEAST_PYTHON:
                line.close()
                raise HostError(
                    f"--host {self.name}: expected Python 3.11 or newer there, not "
                    f"{'.'.join(map(str, line.hello['python']))}; install it as python3"
                )
            self._open = line
        return self._open

    def execute(
        self, job: Job, timeout_s: float, on_stage: child.OnStage = lambda _: None
    ) -> child.Message:
        """Run a job there; as ``child.execute``.

        Raises
        ------
        HostError
            The machine cannot be reached or is not set up, or its disk is full.
        MeasurementError
            As there, and if the connection is lost.
        """
        self.require_ready()
        with prepared(job) as (ready, finish), tempfile.TemporaryDirectory() as folder:
            return finish(self._run(ready, Path(folder), timeout_s, on_stage))

    def _run(
        self, job: Job, folder: Path, timeout_s: float, on_stage: child.OnStage
    ) -> child.Message:
        line = self.connection()
        parcel = Parcel(self.cache / "blobs", folder, self._hashes)
        worker = folder / "worker.zip"
        worker.write_bytes(package.packed())
        program, packed = parcel.add(worker), parcel.pack(job)
        names = ", ".join(dict.fromkeys(model.name for model in job.models))
        self.send(parcel.files, on_stage, names)
        run = _Run(line, parcel.here)
        line.run([self.python, "-I", program], json.dumps(packed))
        try:
            return child.listen(run.hear, names, timeout_s, on_stage, run.death)
        finally:
            if not run.end():
                self.close()

    def require_ready(self) -> None:
        """Refuse a machine that was not set up.

        Raises
        ------
        HostError
            It was not, or cannot be reached.
        """
        if not self.connection().hello["ready"]:
            raise HostError(f"--host {self.name}: not set up; run 'sepcost host setup {self.name}'")

    @property
    def cache(self) -> PurePosixPath:
        """The folder there of all that stays."""
        return PurePosixPath(self.connection().hello["cache"])

    @property
    def python(self) -> str:
        """The Python there that has ONNX Runtime."""
        return str(self.cache / "venv" / "bin" / "python")

    def send(self, files: Mapping[str, Path], on_stage: child.OnStage, names: str) -> None:
        """Send the files that are not there yet.

        Raises
        ------
        HostError
            The disk there is full.
        MeasurementError
            The connection is lost.
        """
        self.connection().ask("have", names=list(files))
        found = self._answer(names)
        missing = {digest: files[digest] for digest in found["missing"]}
        needed = sum(path.stat().st_size for path in missing.values())
        if needed > found["free"]:
            raise HostError(self._full(f"{needed / 1e6:.0f} MB do not fit"))
        for digest, path in missing.items():
            on_stage({"stage": "sending", "model": names})
            try:
                self.connection().ask_with(path, "put", name=digest, size=path.stat().st_size)
            except BaseException:  # half a file: the connection cannot be used any more
                self.close()
                raise
            if fault := self._answer(names)["fault"]:
                raise HostError(self._full(fault))

    def _full(self, fault: str) -> str:
        return f"--host {self.name}: {fault}; make room in {self.cache} there"

    def _answer(self, names: str) -> Answer:
        try:
            answer = self.connection().answer()
        except queue.Empty:
            answer = None
        if answer is None:
            self.close()
            raise MeasurementError(lost(self.name, f"{names}: while sending"))
        return answer

    def facts(self) -> Machine:
        """Describe the machine, as ``machine.facts`` does here."""
        told = self.told()
        version = told["versions"]["onnxruntime"]
        return replace(Machine(**told["machine"]), host=self.name, onnxruntime=version)

    def told(self) -> Mapping[str, Any]:
        """What the worker tells of its machine: the facts, and its versions."""
        return self.execute(Job("facts"), FACTS_S, lambda _: None)


@dataclass(slots=True)
class _Run:
    """One process of the worker there."""

    line: Connection
    here: Mapping[str, str]  # paths here of paths there
    exit: Answer | None = None

    def hear(self, timeout_s: float) -> child.Message | None:
        """The worker's next message; None once it has ended."""
        while (answer := self.line.answer(timeout_s)) is not None and "line" in answer:
            text = str(answer["line"])
            for there, here in self.here.items():
                text = text.replace(there, json.dumps(here)[1:-1])
            with suppress(ValueError):  # half a line of a dead worker
                return dict(json.loads(text))
        self.exit = answer
        return None

    def death(self, where: str) -> MeasurementError:
        """Why it ended before its result."""
        if self.exit is None:
            return MeasurementError(lost(self.line.host, where))
        there = f"{where} on {self.line.host}"
        return child.death(there, int(self.exit["exit"]), str(self.exit["stderr"]))

    def end(self) -> bool:
        """End the worker, whose result is known; return whether the connection still works."""
        self.line.ask("stop")
        with suppress(queue.Empty):
            while self.exit is None and self.hear(GRACE_S) is not None:
                pass
        return self.exit is not None


def lost(host: str, where: str) -> str:
    """The message about a lost connection."""
    return (
        f"{where}, the connection to {host} was lost; no process is left running there, so run the "
        "command again"
    )
