"""Whether files are still the ones that were read: weights stay on disk and are read later."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from sepcost.errors import ModelError

#: Device, inode, bytes, time of the last change.
Stamp = tuple[int, int, int, int]


def stamped(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Note what each file is now; one that is not there is left out."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            status = path.stat()
            found[path] = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def check_unchanged(stamps: Mapping[Path, Stamp]) -> None:
    """Refuse what was made from files that are others now.

    Raises
    ------
    ModelError
        Where one was replaced, written to or removed since it was stamped.
    """
    now = stamped(stamps)
    for path, stamp in stamps.items():
        if now.get(path) != stamp:
            raise changed(path)


def changed(source: object) -> ModelError:
    """Say that a file is not what it was."""
    return ModelError(f"{source}: was changed while it was read; try again when it is complete")
