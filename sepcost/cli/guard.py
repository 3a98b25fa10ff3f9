"""Errors of a command become one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from sepcost.errors import SepcostError, debugging, explained
from sepcost.report.text import shorten, terminal

INTERRUPTED = 130
INPUT_ERROR = 2
LINE_LIMIT = 2000


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
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        # The reader has gone away. Python flushes stdout once more at exit: that would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    if debugging() and not isinstance(error, SepcostError | OSError | MemoryError):
        raise error
    say(f"sepcost: error: {explained(error)}")
    return error.exit_code if isinstance(error, SepcostError) else INPUT_ERROR


def say(message: str) -> None:
    """Write one line to stderr, whatever the message contains; ignore a closed stderr."""
    line = terminal(shorten(message, LINE_LIMIT))
    encoding = sys.stderr.encoding or "utf-8"
    with contextlib.suppress(OSError):
        print(line.encode(encoding, "replace").decode(encoding), file=sys.stderr)


def note(message: str) -> None:
    """Write a note on the result to stderr."""
    say(f"sepcost: note: {message}")
