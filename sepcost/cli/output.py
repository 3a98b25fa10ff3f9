"""Where a report goes: stdout, or a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from sepcost import atomic_file
from sepcost.errors import SepcostError

HTML = "html"


def emit(text: str, output: Path | None) -> None:
    """Write a report to ``output``, or to stdout where there is none."""
    if output is not None:
        write(text.encode(), output)
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def refuse_terminal(format_: str, output: Path | None, option: str = "-o") -> None:
    """Refuse to fill a terminal with a page that is made for a browser.

    Raises
    ------
    SepcostError
        Where there is no ``output`` and stdout is a terminal.
    """
    if format_ == HTML and output is None and to_terminal():
        raise SepcostError(f"--format html is a page for a browser: add {option} report.html")


def to_terminal() -> bool:
    """Whether a person would see what goes to stdout."""
    return sys.stdout.isatty()


def refuse_sources(output: Path | None, sources: Sequence[str]) -> None:
    """Refuse to write a report over a model that it is about.

    Raises
    ------
    SepcostError
        Where ``output`` is one of ``sources``.
    """
    if output is None or not output.exists():
        return
    for source in sources:
        with contextlib.suppress(OSError, ValueError):
            if output.samefile(source):
                raise SepcostError(f"{output}: is a source; write the report elsewhere")


def write(data: bytes, path: Path) -> None:
    """Write ``data`` beside ``path`` and rename it, so that no reader ever sees a part of it.

    A device or a pipe cannot be renamed over and is written to. A link stays a link.

    Raises
    ------
    OSError
        Where the system refuses.
    """
    if path.exists() and not path.is_file():
        with atomic_file.named(path), path.open("wb") as stream:
            stream.write(data)
        return
    atomic_file.write(data, path.resolve())
