"""Errors of a command become one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from sepcost.errors import SepcostError
from sepcost.report.text import shorten, terminal

#: Environment variable: any value but 0 shows the traceback of an unexpected error.
DEBUG = "SEPCOST_DEBUG"
INTERRUPTED = 130
INPUT_ERROR = 2
LINE_LIMIT = 2000
OUT_OF_MEMORY = "out of memory; raise the limit (ulimit -v) or close other programs"


class Guarded(TyperGroup):
    """A group of commands that reports every error in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn exceptions into exit codes."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (KeyboardInterrupt, Exception) as error:
            if type(error).__module__.startswith(("typer", "click")):
                raise
            raise typer.Exit(reported(error)) from error
        return result


def reported(error: BaseException) -> int:
    """Report an error in one line; return its exit code."""
    if isinstance(error, SepcostError):
        return _say(str(error), error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if _is_of_memory(error):
        return _say(OUT_OF_MEMORY, INPUT_ERROR)
    if isinstance(error, OSError):
        return _system(error)
    return _unexpected(error)


def _is_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, also while a library was loaded."""
    words = ("bad_alloc", "map segment", "Cannot allocate memory", "cannot map zero-fill")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def say(message: str) -> None:
    """Write one line to stderr, whatever the message contains; ignore a closed stderr."""
    line = terminal(shorten(message, LINE_LIMIT))
    encoding = sys.stderr.encoding or "utf-8"
    with contextlib.suppress(OSError):
        print(line.encode(encoding, "replace").decode(encoding), file=sys.stderr)


def note(message: str) -> None:
    """Write a note on the result to stderr."""
    say(f"sepcost: note: {message}")


def _say(message: str, code: int) -> int:
    say(f"sepcost: error: {message}")
    return code


def _system(error: OSError) -> int:
    """Ignore a closed pipe; report any other error of the system."""
    if error.errno == errno.EPIPE:
        # Python flushes stdout once more at exit, which would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
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
