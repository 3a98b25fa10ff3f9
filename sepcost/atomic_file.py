"""Files that appear whole or not at all: written beside their place, and renamed.

While a process writes, it holds its file locked. The system gives the lock up for a process that
is killed, so whoever writes to the folder next knows what is nobody's any more, and removes it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

#: How the names of files in the making end.
SUFFIX = ".sepcost-tmp"

#: Characters of the final name that the other one shows; a name may be 255 bytes long.
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Draft:
    """A file in the making: ``file`` is open at ``name``, to be published at ``path``."""

    path: Path
    name: Path
    file: BinaryIO


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Draft]:
    """Open a file beside ``path``. Unless it gets published, nothing of it stays.

    Raises
    ------
    OSError
        Where the folder takes no file; it names ``path``.
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


def settle(draft: Draft) -> None:
    """Have the system write the file out: a disk that is full says so here at the latest."""
    draft.file.flush()
    os.fsync(draft.file.fileno())


def publish(draft: Draft) -> None:
    """Put the file in its place, with the permissions of the one that it replaces."""
    settle(draft)
    with contextlib.suppress(FileNotFoundError):
        draft.name.chmod(draft.path.stat().st_mode & 0o777)
    if sys.platform == "win32":  # there, what is open cannot be renamed
        draft.file.close()
    os.replace(draft.name, draft.path)
    _sync_folder(draft.path.parent)


def remove(paths: Iterable[Path]) -> None:
    """Remove what is of no use any more; the system may refuse."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def write(data: bytes, path: Path) -> None:
    """Write a whole file.

    Raises
    ------
    OSError
        Where the system refuses; ``path`` is then what it was.
    """
    with beside(path) as draft:
        draft.file.write(data)
        publish(draft)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Have errors name the file that was asked for, and not the one in the making."""
    try:
        yield
    except OSError as error:
        if error.filename is None or str(error.filename).endswith(SUFFIX):
            error.filename, error.filename2 = str(path), None
        raise


def _open(path: Path) -> Draft:
    while True:
        token = secrets.token_hex(4)
        name = path.with_name(f".{path.name[:SHOWN]}.{token}{SUFFIX}")
        file = name.open("xb")
        _lock(file)
        if name.exists():  # else another took it for left behind before it was locked
            return Draft(path, name, file)
        file.close()


def _lock(file: BinaryIO, *, at_once: bool = False) -> None:
    """Hold a file until it is closed; with ``at_once`` fail where another does."""
    if sys.platform != "win32":
        with contextlib.nullcontext() if at_once else contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if at_once else 0))


def _sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder; files that are held stay."""
    for name in folder.glob(f".*{SUFFIX}"):
        with contextlib.suppress(OSError), name.open("rb") as file:
            _lock(file, at_once=True)
            name.unlink()


def _sync_folder(path: Path) -> None:
    """Make a name last through a crash, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
