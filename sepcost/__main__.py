"""``python -m sepcost`` and the ``sepcost`` command."""

import signal
import sys
from types import FrameType

from sepcost.cli.app import app

TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Run the command line. A polite kill ends it like Ctrl-C does: temporary files go with it."""
    signal.signal(signal.SIGTERM, _leave)
    app(prog_name="sepcost")


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(TERMINATED)


if __name__ == "__main__":
    main()
