"""The connection to another machine: ssh, and the agent at its other end."""

from __future__ import annotations

import contextlib
import json
import queue
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from sepcost.errors import HostError
from sepcost.latency.hosts import agent, refusals

Answer = Mapping[str, Any]

CONNECT_S = 15
ANSWER_S = 60.0  # for what takes no time: a hello, a list of files
BEAT_S = 10.0
CHUNK = 1 << 20
#: Reads the agent's text from stdin. It is the only command that a shell there ever sees.
STUB = "import sys; exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"


def command(host: str) -> list[str]:
    """The arguments of ssh; keys, ports and jump hosts are those of ``~/.ssh/config``.

    Raises
    ------
    HostError
        ``host`` cannot be an ssh destination.
    """
    if not host or host.startswith("-") or not host.isprintable() or " " in host:
        raise HostError(
            f"--host {host!r}: expected an ssh destination, such as pi@raspberrypi; correct it"
        )
    settings = {
        "BatchMode": "yes",  # no passwords: nobody could type them here
        "ConnectTimeout": CONNECT_S,
        "ServerAliveInterval": 5,
        "ServerAliveCountMax": 3,
        "ClearAllForwardings": "yes",
        "RemoteCommand": "none",
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    return ["ssh", "-T", *options, "--", host, f"exec python3 -I -c {shlex.quote(STUB)}"]


class Connection:
    """An open connection; closing it ends all that it started on the other machine.

    Raises
    ------
    HostError
        The machine cannot be reached, refuses the key, or has no Python.
    """

    def __init__(self, host: str) -> None:
        argv = command(host)
        if shutil.which(argv[0]) is None:
            raise HostError("--host: there is no ssh here; install OpenSSH's client")
        self.host = host
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in ``close``
        self._ssh = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,  # Ctrl-C reaches only sepcost, which then hangs up
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.hello = self._greeted()
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._beat, daemon=True).start()

    def ask(self, do: str, **request: object) -> None:
        """Send one request."""
        self._write([json.dumps({"do": do, **request}).encode() + b"\n"])

    def ask_with(self, path: Path, do: str, **request: object) -> None:
        """Send one request, then the bytes of a file; no beat comes in between."""
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK), b"")
            self._write([json.dumps({"do": do, **request}).encode() + b"\n"], chunks)

    def _write(self, *parts: Iterable[bytes]) -> None:
        """Send bytes. A broken line is noticed when reading."""
        assert self._ssh.stdin is not None
        with contextlib.suppress(OSError, ValueError), self._writing:
            for data in chain(*parts):
                self._ssh.stdin.write(data)
            self._ssh.stdin.flush()

    def answer(self, timeout_s: float = ANSWER_S) -> Answer | None:
        """Wait for the next answer; None if the connection is broken.

        Raises
        ------
        queue.Empty
            If it is silent.
        """
        found = self._answers.get(timeout=timeout_s)
        if found is None:
            self._answers.put(None)
        return found

    def run(self, argv: Sequence[str], line: str = "") -> None:
        """Start a process there; its lines and its exit are the next answers."""
        self.ask("start", argv=list(argv), line=line)

    def close(self) -> None:
        """Hang up. The agent hears it, ends what it started and removes its folder."""
        self._closed.set()
        with contextlib.suppress(OSError, ValueError), self._writing:
            if self._ssh.stdin is not None:
                self._ssh.stdin.close()
        try:
            self._ssh.wait(CONNECT_S)
        except subprocess.TimeoutExpired:
            self._ssh.kill()
            self._ssh.wait()
        self._stderr.close()

    def _greeted(self) -> Answer:
        """Send the agent, and return what it says of its machine."""
        text = Path(agent.__file__).read_bytes()
        self._write([b"%d\n" % len(text), text])
        try:
            first = self.answer()
        except queue.Empty:
            self._ssh.kill()
            raise HostError(
                f"--host {self.host}: no answer for {ANSWER_S:g} s; try 'ssh {self.host}'"
            ) from None
        if first is None:
            code = self._ssh.wait()
            self._stderr.seek(0)
            said = self._stderr.read().decode(errors="replace").strip().splitlines()
            raise refusals.explained(self.host, code, said)
        if "fault" in first:
            raise HostError(
                f"--host {self.host}: {first['fault']}; make that folder writable there"
            )
        return dict(first["hello"])

    def _read(self) -> None:
        """Read in a thread; a login shell may print other lines."""
        assert self._ssh.stdout is not None
        mark = agent.MARK.encode()
        with contextlib.suppress(OSError, ValueError), self._ssh.stdout as stdout:
            for line in stdout:
                if line.startswith(mark):
                    self._answers.put(json.loads(line[len(mark) :]))
        self._answers.put(None)

    def _beat(self) -> None:
        while not self._closed.wait(BEAT_S):
            self.ask("beat")
