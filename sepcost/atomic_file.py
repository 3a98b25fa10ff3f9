"""Files that appear complete or not at all: written next to their target, then renamed.

A process locks its draft while it writes. The system releases the lock of a process that is killed,
so the next process that writes to the folder recognises abandoned drafts and removes them.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

#: Suffix of drafts.
SUFFIX = ".sepcost-tmp"

#: Characters of the target's name in the draft's; a name may be 255 bytes long.
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Draft:
    """An unpublished file: ``file`` is open at ``name`` and will be published at ``path``."""

    path: Path
    name: Path
    file: BinaryIO


@contextlib.contextmanager
def create(path: Path) -> Iterator[Draft]:
    """Open a draft next to ``path``, and remove it unless it is published.

    Raises
    ------
    OSError
        If the folder is not writable; the error names ``path``.
    """
    _sweep(path.parent)
    with named(path):
        draft = _open(path)
        try:
            yield draft
        finally:
            remove([draft.name])
            with contextlib.suppress(OSError):
                draft.file.close()


def sync(draft: Draft) -> None:
    """Have the system write the file to disk, which fails here if the disk is full."""
    draft.file.flush()
    os.fsync(draft.file.fileno())


def publish(draft: Draft) -> None:
    """Move the draft to its target, with the permissions of the file that it replaces."""
    sync(draft)
    with contextlib.suppress(FileNotFoundError):
        draft.name.chmod(draft.path.stat().st_mode & 0o777)
    if sys.platform == "win32":  # which cannot rename an open file
        draft.file.close()
    os.replace(draft.name, draft.path)
    _sync_folder(draft.path.parent)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, ignoring failures."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def write(data: bytes, path: Path) -> None:
    """Write a whole file.

    Raises
    ------
    OSError
        If it cannot be written; ``path`` is then unchanged.
    """
    with create(path) as draft:
        draft.file.write(data)
        publish(draft)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Make errors name the target instead of its draft."""
    try:
        yield
    except OSError as error:
        if error.filename is None or str(error.filename).endswith(SUFFIX):
            error.filename, error.filename2 = str(path), None
        raise


def _open(path: Path) -> Draft:
    while True:
        token = os.urandom(4).hex()
        name = path.with_name(f".{path.name[:SHOWN]}.{token}{SUFFIX}")
        file = name.open("xb")
        _lock(file)
        if name.exists():  # else another process removed it before it was locked
            return Draft(path, name, file)
        file.close()


def _lock(file: BinaryIO, *, at_once: bool = False) -> None:
    """Lock a file until it is closed; with ``at_once``, fail if another process holds it."""
    if sys.platform != "win32":
        with contextlib.nullcontext() if at_once else contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if at_once else 0))


def _sweep(folder: Path) -> None:
    """Remove drafts that killed processes left in a folder; locked ones stay."""
    for name in folder.glob(f".*{SUFFIX}"):
        with contextlib.suppress(OSError), name.open("rb") as file:
            _lock(file, at_once=True)
            name.unlink()


def _sync_folder(path: Path) -> None:
    """Make a rename survive a crash, if the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
