"""Reports to stdout, or to files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from sepcost.errors import SepcostError

HTML = "html"
MINUS = "−"
MODEL_NAMES = (".onnx", ".ort")
REPORT_NAMES = (".html", ".json", ".csv", ".md", ".txt", ".xml", ".sarif")


def emit(text: str, output: Path | None) -> None:
    """Write a report to ``output``, or to stdout if that is None."""
    if output is not None:
        write(text.encode(), output)
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(_encodable(text, encoding).encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def _encodable(text: str, encoding: str) -> str:
    """Keep the sign of negative numbers where there is no true minus sign."""
    try:
        MINUS.encode(encoding)
    except UnicodeEncodeError:
        return text.replace(MINUS, "-")
    return text


def refuse_terminal(format_: str, output: Path | None) -> None:
    """Refuse to print an HTML page in a terminal.

    Raises
    ------
    SepcostError
        If there is no ``output`` and stdout is a terminal.
    """
    if format_ == HTML and output is None and to_terminal():
        raise SepcostError("a terminal cannot show HTML; add -r report.html")


def to_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def refuse_sources(output: Path | None, sources: Sequence[str]) -> None:
    """Refuse to write a report over one of its sources, or to a file named like a model.

    Raises
    ------
    SepcostError
        If ``output`` is one of ``sources``, or ends in .onnx.
    """
    if output is None:
        return
    for source in sources if output.exists() else ():
        with contextlib.suppress(OSError, ValueError):
            if output.samefile(source):
                raise SepcostError(
                    f"{output}: one of the sources, which are never overwritten; name another file"
                )
    if output.suffix.lower() in MODEL_NAMES:
        raise SepcostError(
            f"{output}: a report's file name must not end in {output.suffix}; name another file"
        )


def refuse_report_name(model: Path | None) -> None:
    """Refuse to write a model to a file named like a report.

    Raises
    ------
    SepcostError
        If ``model`` ends in .html, .json and the like.
    """
    if model is not None and model.suffix.lower() in REPORT_NAMES:
        raise SepcostError(
            f"{model}: a model's file name must not end in {model.suffix}; use .onnx"
        )


def refuse_unwritable(output: Path) -> None:
    """Refuse a folder, or a file in a folder that does not exist.

    Raises
    ------
    SepcostError
        In either case.
    """
    if output.is_dir():
        raise SepcostError(f"{output}: a folder; name a file in it")
    if not output.parent.is_dir():
        raise SepcostError(f"{output}: the folder {output.parent} does not exist; create it first")


def write(data: bytes, path: Path) -> None:
    """Write ``data`` to a temporary file and rename it to ``path``: no reader sees half of it.

    A device or a pipe cannot be replaced and is written to directly. A link is kept.

    Raises
    ------
    SepcostError
        If it is a folder, or its folder does not exist.
    OSError
        If the system reports an error.
    """
    from sepcost import atomic_file

    refuse_unwritable(path)
    if path.exists() and not path.is_file():
        with atomic_file.named(path), path.open("wb") as stream:
            stream.write(data)
        return
    atomic_file.write(data, path.resolve())
