"""``python -m sepcost`` and the ``sepcost`` command."""

import atexit
import gc
import os
import signal
import sys
from types import FrameType

from sepcost.cli.app import build
from sepcost.cli.guard import system

#: A kill, and the terminal that closes; Windows knows no SIGHUP.
POLITE = ("SIGTERM", "SIGHUP")

#: A network is some hundred thousand objects, nearly all of which live to the end.
RARELY = (50_000, 20, 50)


def main() -> None:
    """Run the command line. A polite kill ends it like Ctrl-C does: temporary files go with it."""
    for name in POLITE:
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, _leave)
    gc.set_threshold(*RARELY)
    try:
        build(sys.argv[1:])(prog_name="sepcost")
    except SystemExit as exit_:
        _end(exit_)
    except OSError as error:  # the help could not be written
        _end(SystemExit(system(error)))


def _end(exit_: SystemExit) -> None:
    """End at once: to take protobuf and numpy apart is a fifth of a short command's time."""
    if not isinstance(exit_.code, int | None):
        raise exit_
    code = exit_.code or 0
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 2  # what was to be told went nowhere
    atexit._run_exitfuncs()  # temporary folders go
    os._exit(code)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
