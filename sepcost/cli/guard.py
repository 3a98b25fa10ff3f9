"""What goes wrong in a command becomes one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from sepcost.errors import SepcostError
from sepcost.report.text import shorten, terminal

#: Set to anything but 0 for the traceback of an unexpected error.
DEBUG = "SEPCOST_DEBUG"
INTERRUPTED = 130
INPUT_ERROR = 2
LINE_LIMIT = 2000


class Guarded(TyperGroup):
    """A group of commands whose errors are all told in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn what it raises into an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except SepcostError as error:
            raise typer.Exit(_say(str(error), error.exit_code)) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except OSError as error:
            raise typer.Exit(system(error)) from error
        except (MemoryError, RecursionError) as error:
            raise typer.Exit(_unexpected(error)) from error
        except Exception as error:
            if type(error).__module__.startswith(("typer", "click")):
                raise
            raise typer.Exit(_unexpected(error)) from error
        return result


def say(message: str) -> None:
    """Write one line to stderr, whatever the message holds."""
    line = terminal(shorten(message, LINE_LIMIT))
    encoding = sys.stderr.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), file=sys.stderr)


def note(message: str) -> None:
    """Write to stderr what the reader of a result should know."""
    say(f"sepcost: note: {message}")


def _say(message: str, code: int) -> int:
    say(f"sepcost: error: {message}")
    return code


def system(error: OSError) -> int:
    """Leave a reader that went away in peace; tell what else the system refused."""
    if error.errno == errno.EPIPE:
        # Python flushes stdout once more at exit: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    where = f"{error.filename}: " if error.filename else ""
    return _say(f"{where}{error.strerror or error}", INPUT_ERROR)


def _unexpected(error: BaseException) -> int:
    if os.environ.get(DEBUG, "0") not in {"", "0"}:
        raise error
    return _say(
        f"unexpected {type(error).__name__}: {error} "
        f"(please report this; {DEBUG}=1 shows the traceback)",
        INPUT_ERROR,
    )
