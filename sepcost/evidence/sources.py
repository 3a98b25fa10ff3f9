"""Folders and globs as sources."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sepcost.errors import ModelError

SUFFIX = ".onnx"


@dataclass(frozen=True, slots=True)
class Sources:
    """The single files, specs and networks that sources stand for, in order."""

    names: tuple[str, ...]
    several: bool  # whether a folder or a glob is among the sources


def expanded(sources: Sequence[str]) -> Sources:
    """Replace folders with the ONNX files below them, and globs with the files that they match.

    Raises
    ------
    ModelError
        If there is none.
    """
    names: list[str] = []
    several = False
    for source in sources:
        members = _members(source)
        if members is None:
            names.append(source)
        else:
            several = True
            names += [name for name in members if name not in set(names)]
    return Sources(tuple(names), several)


def _members(source: str) -> tuple[str, ...] | None:
    """Return the files that a folder or a glob stands for; None for any other source."""
    if os.path.isdir(source):
        members = sorted(_below(source))
        why = f"contains no file whose name ends in {SUFFIX}"
    elif glob.has_magic(source) and not os.path.exists(source):
        members = sorted(name for name in glob.glob(source, recursive=True) if os.path.isfile(name))
        why = "matches no file"
    else:
        return None
    if not members:
        raise ModelError(f"{source}: {why}")
    return tuple(members)


def _below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (
            str(Path(place) / name) for name in files if Path(name).suffix.lower() == SUFFIX
        )
