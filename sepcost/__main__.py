"""``python -m sepcost`` and the ``sepcost`` command."""

import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

#: Ctrl-C, kill, and a terminal that closes; Windows has no SIGHUP.
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

#: Modules that must not be interrupted, all of them brief, and the delay before the next attempt
#: (the import system swallows exceptions in its callbacks).
UNINTERRUPTED = frozenset({"sepcost.atomic_file", "tempfile", "shutil", "importlib._bootstrap"})
RETRY_S = 0.02

#: Modes of the null device that replaces a closed stream: reading and writing fail as they would
#: have, except on stderr, where output is discarded.
CLOSED = (os.O_WRONLY, os.O_RDONLY, os.O_RDWR)

#: Below this limit of memory, many threads do not fit.
LOW_MEMORY = 2**30

#: A network is some hundred thousand objects, nearly all of which live until exit.
GC_THRESHOLDS = (150_000, 20, 50)


def main() -> None:
    """Run the command line. SIGTERM ends it as Ctrl-C does: temporary files are removed."""
    try:
        _open_streams()
        for number in _signals():
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(number, _leave)
        gc.set_threshold(*GC_THRESHOLDS)
        _respect_limits()
        _run()
    except SystemExit as exit_:
        _end(exit_)
    except (KeyboardInterrupt, Exception) as error:  # before or after cli.guard is active
        _end(SystemExit(_code(error)))


def _run() -> None:
    """Import what the command needs; ``main`` handles an interrupt while it does."""
    if sys.argv[1:] == ["--version"]:  # half the time of the same through typer
        from sepcost import __version__  # noqa: PLC0415

        sys.stdout.write(f"sepcost {__version__}\n")
        return
    from sepcost.cli.app import build  # noqa: PLC0415
    from sepcost.model.deferred_onnx import defer  # noqa: PLC0415

    defer()
    build(sys.argv[1:])(prog_name="sepcost")


def _code(error: BaseException) -> int:
    try:
        from sepcost.cli.guard import reported  # noqa: PLC0415
    except MemoryError:
        os.write(2, b"sepcost: error: out of memory\n")
        return 2
    return reported(error)


def _open_streams() -> None:
    """Reopen closed standard streams: a file opened in their place would receive their output."""
    for number, mode in enumerate(CLOSED):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest free number
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _respect_limits() -> None:
    """If memory is limited, exit with 2 even when a native library ends the process.

    Libraries that run out of memory print why and exit with 1, which means an exceeded budget here.
    OpenBLAS sends an interrupt if the stacks of its threads do not fit, so it gets only one.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    limits = {resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_DATA)}
    limits -= {resource.RLIM_INFINITY}
    if not limits:
        return
    if min(limits) < LOW_MEMORY:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import ctypes  # noqa: PLC0415 - slow

    own = ctypes.CDLL(None)
    own.__cxa_atexit(ctypes.cast(own._exit, ctypes.c_void_p), ctypes.c_void_p(2), None)


def _end(exit_: SystemExit) -> None:
    """Exit immediately: freeing protobuf and numpy objects takes a fifth of a short command."""
    if not isinstance(exit_.code, int | None):
        raise exit_
    for number in _signals():  # the rest is not interrupted
        signal.signal(number, signal.SIG_IGN)
    code = exit_.code or 0
    try:
        sys.stdout.flush()
    except OSError:
        code = code or 2  # the output is lost
    with suppress(OSError):
        sys.stderr.flush()
    atexit._run_exitfuncs()  # removes temporary folders
    os._exit(code)


def _signals() -> list[int]:
    return [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind the program, but not while files are published or temporary ones removed."""
    while frame:
        if frame.f_globals.get("__name__") in UNINTERRUPTED:
            later = threading.Timer(RETRY_S, os.kill, (os.getpid(), number))
            later.daemon = True
            later.start()
            return
        frame = frame.f_back
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
