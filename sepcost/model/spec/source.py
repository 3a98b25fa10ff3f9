"""Read the text of a layer spec, within limits, and parse it as TOML."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from sepcost.errors import SpecError
from sepcost.model.spec.lines import shown

MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a spec, its name in messages, and the default name of the network."""

    text: str
    origin: str
    name: str


def read(text_or_path: str | Path, origin: str | None = None) -> Source:
    """Read a file; a string of several lines is the text itself.

    Raises
    ------
    SpecError
        If the file is missing, not a regular file, larger than ``MAX_BYTES`` or not UTF-8.
    """
    if isinstance(text_or_path, str) and "\n" in text_or_path:
        origin, name, data = origin or "spec", "network", text_or_path.encode(errors="replace")
    else:
        path = Path(text_or_path)
        origin = origin or (str(path) if str(path).isprintable() else repr(str(path))[1:-1])
        name, data = path.stem, _bytes(path, origin)
    if len(data) > MAX_BYTES:
        raise SpecError(f"{origin}: larger than {MAX_BYTES:,} bytes; is it a layer spec?")
    try:
        return Source(data.decode("utf-8-sig"), origin, name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{origin}:{line}: not UTF-8 text; is it a layer spec?") from None


def _bytes(path: Path, origin: str) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise SpecError(f"{origin}: not a regular file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise SpecError(f"{origin}: {reason}") from None


def document(source: Source) -> dict[str, object]:
    """Parse TOML.

    Raises
    ------
    SpecError
        If it is not valid TOML; the message names the line.
    """
    try:
        return tomllib.loads(source.text)
    except ValueError as error:
        message = str(error)
        position = re.search(r"line (\d+), (column \d+)\)$", message)
        line = position[1] if position else str(source.text.rstrip().count("\n") + 1)
        reason = shown(message.split(" (at ", maxsplit=1)[0])[1:-1] + (
            f" ({position[2]})" if position else ""
        )
        raise SpecError(f"{source.origin}:{line}: not valid TOML: {reason}") from None
    except RecursionError:
        raise SpecError(f"{source.origin}:1: nested too deeply to be a layer spec") from None
