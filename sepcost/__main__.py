"""``python -m sepcost`` and the ``sepcost`` command."""

import signal
import sys
from types import FrameType

from sepcost.cli.app import app

#: A kill, and the terminal that closes; Windows knows no SIGHUP.
POLITE = ("SIGTERM", "SIGHUP")


def main() -> None:
    """Run the command line. A polite kill ends it like Ctrl-C does: temporary files go with it."""
    for name in POLITE:
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, _leave)
    app(prog_name="sepcost")


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
