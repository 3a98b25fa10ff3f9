"""``python -m sepcost`` and the ``sepcost`` command."""

import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

#: Ctrl-C, a kill, and the terminal that closes; Windows knows no SIGHUP.
ASKING = ("SIGINT", "SIGTERM", "SIGHUP")

#: Modules whose work is short and not to be interrupted, and when to ask again. (The import
#: system swallows what is raised in its callbacks.)
WHOLE = frozenset({"sepcost.atomic_file", "tempfile", "shutil", "importlib._bootstrap"})
AGAIN_S = 0.02

#: What stands in for a stream that was closed: to read or write there fails as it would have,
#: but for stderr, whose absence is nobody's error.
CLOSED = (os.O_WRONLY, os.O_RDONLY, os.O_RDWR)

#: Bytes in which many threads have no room.
LITTLE = 2**30

#: A network is some hundred thousand objects, nearly all of which live to the end.
RARELY = (50_000, 20, 50)


def main() -> None:
    """Run the command line. A polite kill ends it like Ctrl-C does: temporary files go with it."""
    try:
        _open_streams()
        for number in _asking():
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(number, _leave)
        gc.set_threshold(*RARELY)
        _mind_limits()
        _run()
    except SystemExit as exit_:
        _end(exit_)
    except (KeyboardInterrupt, Exception) as error:  # before or after what is guarded
        _end(SystemExit(_code(error)))


def _run() -> None:
    from sepcost.cli.app import build  # noqa: PLC0415 - an interrupt while it loads is met here

    build(sys.argv[1:])(prog_name="sepcost")


def _code(error: BaseException) -> int:
    try:
        from sepcost.cli.guard import told  # noqa: PLC0415
    except MemoryError:
        os.write(2, b"sepcost: error: the memory ran out\n")
        return 2
    return told(error)


def _open_streams() -> None:
    """Give the three streams their places: a file opened there would get what is meant for them."""
    for number, mode in enumerate(CLOSED):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _mind_limits() -> None:
    """Where memory is limited, native libraries may end the process themselves, having said why.

    Their exit code is 1, which would mean a broken budget here. And where there is no room for
    the stacks of its threads, OpenBLAS sends an interrupt: in little memory it has to do with one.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    limits = {resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_DATA)}
    limits -= {resource.RLIM_INFINITY}
    if not limits:
        return
    if min(limits) < LITTLE:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import ctypes  # noqa: PLC0415 - takes its time

    own = ctypes.CDLL(None)
    own.__cxa_atexit(ctypes.cast(own._exit, ctypes.c_void_p), ctypes.c_void_p(2), None)


def _end(exit_: SystemExit) -> None:
    """End at once: to take protobuf and numpy apart is a fifth of a short command's time."""
    if not isinstance(exit_.code, int | None):
        raise exit_
    for number in _asking():  # what goes now goes whole
        signal.signal(number, signal.SIG_IGN)
    code = exit_.code or 0
    try:
        sys.stdout.flush()
    except OSError:
        code = code or 2  # what was to be told went nowhere
    with suppress(OSError):
        sys.stderr.flush()
    atexit._run_exitfuncs()  # temporary folders go
    os._exit(code)


def _asking() -> list[int]:
    return [getattr(signal, name) for name in ASKING if hasattr(signal, name)]


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind the program, but not in the middle of putting files in place or clearing up."""
    while frame:
        if frame.f_globals.get("__name__") in WHOLE:
            later = threading.Timer(AGAIN_S, os.kill, (os.getpid(), number))
            later.daemon = True
            later.start()
            return
        frame = frame.f_back
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
