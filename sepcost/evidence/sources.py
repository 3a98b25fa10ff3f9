"""Folders and globs as sources."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from sepcost.errors import ModelError

#: The files of a folder that count as models, in any case.
MODELS = ("**", "*.[oO][nN][nN][xX]")
ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class Sources:
    """The files, specs and networks that the sources expand to, in order."""

    names: tuple[str, ...]
    several: bool  # whether a folder or a glob is among the sources


def expanded(sources: Sequence[str]) -> Sources:
    """Replace folders with the ONNX files below them, and globs with the files that they match.

    Raises
    ------
    ModelError
        If there are none.
    """
    names: list[str] = []
    several = False
    for source in sources:
        members = _members(source)
        if members is None:
            names.append(source)
        else:
            several, known = True, set(map(os.path.normpath, names))
            names += [name for name in members if os.path.normpath(name) not in known]
    return Sources(tuple(names), several)


def _members(source: str) -> tuple[str, ...] | None:
    """Return the files that a folder or a glob expands to; None for any other source."""
    if os.path.isdir(source):
        members = set(_matches(str(Path(source)), MODELS))
        why = "contains no file whose name ends in .onnx"
    elif glob.has_magic(source) and not os.path.lexists(source):
        members = set(_matches("", Path(source).parts))
        why = "matches no file"
    else:
        return None
    if not members:
        raise ModelError(f"{source}: {why}")
    return tuple(sorted(members))


def _matches(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield the files that match, and each folder on the way that cannot be read.

    ``**`` does not follow links, which may form cycles, or enter hidden folders.
    """
    first, rest = parts[0], parts[1:]
    try:
        names = os.listdir(folder or ".") if glob.has_magic(first) else [first]
    except OSError:
        yield folder
        return
    if first == ANY_DEPTH:
        yield from _matches(folder, rest or ("*",))
        inner = (os.path.join(folder, name) for name in names if not name.startswith("."))
        for path in inner:
            if os.path.isdir(path) and not os.path.islink(path):
                yield from _matches(path, parts)
        return
    for name in names:
        path = os.path.join(folder, name)
        if name != first and not _matched(name, first):
            continue
        if rest and os.path.isdir(path):
            yield from _matches(path, rest)
        elif not rest and os.path.lexists(path) and not os.path.isdir(path):
            yield path


def _matched(name: str, pattern: str) -> bool:
    shown = not name.startswith(".") or pattern.startswith(".")
    return shown and fnmatch(name, pattern)
