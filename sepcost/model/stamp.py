"""Check that files have not changed since they were loaded: their weights are read later."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from sepcost.errors import ModelError

#: Device, inode, size, time of the last modification.
Stamp = tuple[int, int, int, int]


def stamped(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the current stamp of each file; a missing file is left out."""
    stamps = {}
    for path in paths:
        with contextlib.suppress(OSError):
            status = path.stat()
            stamps[path] = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return stamps


def check_unchanged(stamps: Mapping[Path, Stamp]) -> None:
    """Check that no file was replaced, modified or removed since it was stamped.

    Raises
    ------
    ModelError
        If one was.
    """
    now = stamped(stamps)
    for path, stamp in stamps.items():
        if now.get(path) != stamp:
            raise changed(path)


def changed(source: object) -> ModelError:
    """Return the error for a file that changed."""
    return ModelError(f"{source}: changed while it was read; try again when it is complete")
