"""The program on the far machine: it keeps files and starts processes as the near side asks.

``connection`` sends its text through ssh to that machine's own Python, so it uses only the standard
library of Python 3.6. Requests are JSON lines on stdin, answers are JSON lines on stdout. When the
line breaks or is silent for a minute, it kills what it started and removes its folder.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

MARK = "sepcost-agent "  # starts each answer: a login shell may print greetings before
SILENCE_S = 60.0  # the near side sends a beat every few seconds
UNUSED_S = 30 * 24 * 3600.0  # after that, files that no measurement used are removed
CHUNK = 1 << 20
TAIL = 2000  # bytes of a process's stderr that are told


def cache() -> str:
    """The folder for everything that stays on this machine."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    home = home if os.path.isabs(home) else os.path.expanduser("~/.cache")
    return os.path.join(home, "sepcost")


class Agent:
    """What one connection has on this machine: a folder, and at most one process."""

    def __init__(self) -> None:
        self.blobs = os.path.join(cache(), "blobs")
        self.rooms = os.path.join(cache(), "connections")
        for folder in (cache(), self.blobs, self.rooms):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        self.heard = time.monotonic()
        self.process: subprocess.Popen[bytes] | None = None
        self.telling = threading.Lock()
        with open(os.path.join(self.rooms, "lock"), "w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            self.sweep()
            self.folder = tempfile.mkdtemp(dir=self.rooms)
            self.lock = open(os.path.join(self.folder, "lock"), "w")  # noqa: SIM115 - until the end
            fcntl.flock(self.lock, fcntl.LOCK_EX)

    def sweep(self) -> None:
        """Remove the folders of agents that were killed, and files long unused."""
        for name in os.listdir(self.rooms):
            with contextlib.suppress(OSError):
                with open(os.path.join(self.rooms, name, "lock")) as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(os.path.join(self.rooms, name), ignore_errors=True)
        for name in os.listdir(self.blobs):
            with contextlib.suppress(OSError):
                path = os.path.join(self.blobs, name)
                if time.time() - os.stat(path).st_mtime > UNUSED_S:
                    os.unlink(path)

    def tell(self, **answer: object) -> None:
        """Send one answer."""
        with self.telling:
            sys.stdout.write(MARK + json.dumps(answer) + "\n")
            sys.stdout.flush()

    def hello(self) -> None:
        """Say what is here."""
        self.tell(
            hello={
                "python": list(sys.version_info[:3]),
                "executable": sys.executable,
                "cache": cache(),
                "ready": os.path.exists(os.path.join(cache(), "venv", "ready")),
            }
        )

    def have(self, names: "list[str]") -> None:
        """Say which files are missing here, and how much space is left."""
        missing = []
        for name in names:
            try:
                os.utime(os.path.join(self.blobs, name))
            except OSError:
                missing.append(name)
        self.tell(missing=missing, free=shutil.disk_usage(self.blobs).free)

    def put(self, name: str, size: int) -> None:
        """Store the bytes that follow, under the hash that they must have."""
        draft, digest, fault = os.path.join(self.folder, name), hashlib.sha256(), ""
        try:
            with open(draft, "wb") as file:
                while size:
                    data = self.receive(size)
                    size -= len(data)
                    digest.update(data)
                    file.write(data)
            if digest.hexdigest() == name:
                os.replace(draft, os.path.join(self.blobs, name))
            else:
                fault = "the data arrived damaged"
        except OSError as error:
            fault = error.strerror or str(error)
            while size:
                size -= len(self.receive(size))
            with contextlib.suppress(OSError):
                os.unlink(draft)
        self.tell(put=name, fault=fault)

    def receive(self, most: int) -> bytes:
        """Read some of the bytes that follow."""
        data = sys.stdin.buffer.read(min(most, CHUNK))
        if not data:
            raise EOFError
        self.heard = time.monotonic()
        return data

    def start(self, argv: "list[str]", line: str) -> None:
        """Start a process in a group of its own, give it one line, and pass on what it prints."""
        self.stop()
        errors = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 - ``follow`` closes it
        work = tempfile.mkdtemp(dir=self.folder)
        try:
            self.process = process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=work,
                env=dict(os.environ, TMPDIR=work),
                start_new_session=True,
            )
        except OSError as error:
            self.tell(exit=127, stderr=str(error))
            return
        with contextlib.suppress(OSError):  # it ended at once: its exit is told
            if process.stdin is not None:
                process.stdin.write(line.encode("utf-8") + b"\n")
                process.stdin.flush()  # stays open: when it closes, the worker ends
        follow = threading.Thread(target=self.follow, args=(process, errors, work), daemon=True)
        follow.start()

    def follow(self, process: "subprocess.Popen[bytes]", errors: object, work: str) -> None:
        """Pass on each line of a process, then its exit."""
        try:
            for line in process.stdout or ():
                self.tell(line=line.decode("utf-8", "replace"))
            code = process.wait()
            if self.process is process:
                self.process = None
            shutil.rmtree(work, ignore_errors=True)
            self.tell(exit=code, stderr=tail(errors))
        except (OSError, ValueError):
            self.end()  # nobody reads any more

    def stop(self) -> None:
        """Kill the process and all that it started."""
        process = self.process
        if process is not None:
            with contextlib.suppress(OSError):  # it has ended
                os.killpg(process.pid, signal.SIGKILL)

    def beat(self) -> None:
        """Hear that the near side is there."""

    def end(self, *_: object) -> None:
        """Leave nothing behind but the cache."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(0)

    def watch(self) -> None:
        """End when the connection is silent, as a broken one may stay open for hours."""
        while time.monotonic() - self.heard < SILENCE_S:
            time.sleep(SILENCE_S / 10)
        self.end()

    def serve(self) -> None:
        """Answer requests until the connection closes."""
        threading.Thread(target=self.watch, daemon=True).start()
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.end)
        try:
            self.hello()
            for line in iter(sys.stdin.buffer.readline, b""):
                self.heard = time.monotonic()
                request = json.loads(line.decode("utf-8"))
                getattr(self, request.pop("do"))(**request)
        except (OSError, EOFError, ValueError):
            pass  # the connection is broken
        finally:
            self.end()


def tail(errors: object) -> str:
    """The end of what a process wrote to stderr."""
    with errors as file:  # type: ignore[attr-defined]
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - TAIL))
        return str(file.read().decode("utf-8", "replace"))


def main() -> None:
    """Answer requests; if nothing can be kept here, say so."""
    try:
        agent = Agent()
    except OSError as error:
        sys.stdout.write(MARK + json.dumps({"fault": f"{error.filename}: {error.strerror}"}))
    else:
        agent.serve()


if __name__ == "__main__":
    main()
