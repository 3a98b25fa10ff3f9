"""Reports to stdout, or to files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from sepcost import atomic_file
from sepcost.errors import SepcostError

HTML = "html"


def emit(text: str, output: Path | None) -> None:
    """Write a report to ``output``, or to stdout if that is None."""
    if output is not None:
        write(text.encode(), output)
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def refuse_terminal(format_: str, output: Path | None, option: str = "-o") -> None:
    """Refuse to print a page for browsers at a terminal.

    Raises
    ------
    SepcostError
        If there is no ``output`` and stdout is a terminal.
    """
    if format_ == HTML and output is None and to_terminal():
        raise SepcostError(f"--format html writes a page for browsers: add {option} report.html")


def to_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def refuse_sources(output: Path | None, sources: Sequence[str]) -> None:
    """Refuse to write a report over one of its sources.

    Raises
    ------
    SepcostError
        If ``output`` is one of ``sources``.
    """
    if output is None or not output.exists():
        return
    for source in sources:
        with contextlib.suppress(OSError, ValueError):
            if output.samefile(source):
                raise SepcostError(f"{output}: is a source; write the report to another file")


def refuse_unwritable(output: Path) -> None:
    """Refuse a folder, or a file in a folder that does not exist.

    Raises
    ------
    SepcostError
        In either case.
    """
    if output.is_dir():
        raise SepcostError(f"{output}: is a folder; name a file")
    if not output.parent.is_dir():
        raise SepcostError(f"{output}: no such folder: {output.parent}; create it first")


def write(data: bytes, path: Path) -> None:
    """Write ``data`` to a temporary file and rename it to ``path``: no reader sees half of it.

    A device or a pipe cannot be replaced and is written to directly. A link stays a link.

    Raises
    ------
    SepcostError
        If it is a folder, or its folder does not exist.
    OSError
        If the system refuses.
    """
    refuse_unwritable(path)
    if path.exists() and not path.is_file():
        with atomic_file.named(path), path.open("wb") as stream:
            stream.write(data)
        return
    atomic_file.write(data, path.resolve())
