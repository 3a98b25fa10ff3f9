"""Arrays of an ``.npz``, read row by row: large ones are never held whole.

The rows of a stored member are read from the archive itself. A compressed member is unpacked once,
piece by piece, into a temporary file without a name.
"""

from __future__ import annotations

import tempfile
import weakref
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sepcost.network import Shape
from sepcost.separable.data.samples import Samples

HELD_BYTES = 1 << 27  # of an array that is read once and kept
PIECE_BYTES = 1 << 24  # of rows that are checked, or unpacked, at a time

_LOCAL_HEADER = 30  # bytes of a member's own header, before its name
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

#: Refuses some rows by an exception.
Check = Callable[[NDArray[Any]], object]


@dataclass(frozen=True, slots=True)
class Member:
    """An array of an archive, before it is read."""

    path: Path
    entry: str
    shape: Shape
    dtype: np.dtype[Any]
    in_order: bool  # whether its first axis is the outermost in the file

    def whole(self) -> NDArray[Any]:
        """All of it, in memory."""
        with zipfile.ZipFile(self.path) as archive, archive.open(self.entry) as file:
            return np.asarray(npy.read_array(file, allow_pickle=False))

    def rows(self, check: Check) -> Samples:
        """Check all rows once; return a function that reads the rows at some places.

        Raises
        ------
        ValueError, zipfile.BadZipFile, zlib.error
            The archive is damaged; ``check`` may raise more.
        """
        if not self.in_order or prod(self.shape) * self.dtype.itemsize <= HELD_BYTES:
            array = self.whole()
            check(array)
            return lambda places: _picked(array, places)
        with zipfile.ZipFile(self.path) as archive:
            if archive.getinfo(self.entry).compress_type != zipfile.ZIP_STORED:
                return self._unpacked(archive, check)
            self._stream(archive, check)
            start = self._start(archive)

        def read(places: NDArray[np.int64]) -> NDArray[Any]:
            with self.path.open("rb") as file:
                return self._read(file, start, places)

        return read

    def _unpacked(self, archive: zipfile.ZipFile, check: Check) -> Samples:
        kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the function

        def read(places: NDArray[np.int64]) -> NDArray[Any]:
            return self._read(kept, 0, places)

        weakref.finalize(read, kept.close)
        self._stream(archive, check, kept)
        return read

    def _stream(self, archive: zipfile.ZipFile, check: Check, to: IO[bytes] | None = None) -> None:
        """Check, and copy, one piece after the other; zipfile compares the checksum at the end."""
        step = max(1, PIECE_BYTES // max(1, self._row_bytes))
        with archive.open(self.entry) as file:
            header(file)
            for first in range(0, self.shape[0], step):
                piece = self._piece(file, min(step, self.shape[0] - first))
                check(piece)
                if to is not None:
                    to.write(piece.data)
            file.read(1)

    def _start(self, archive: zipfile.ZipFile) -> int:
        """Where the rows of a stored member begin in the archive."""
        with self.path.open("rb") as file:
            place = archive.getinfo(self.entry).header_offset
            file.seek(place)
            own = file.read(_LOCAL_HEADER)
            lengths = (int.from_bytes(own[at : at + 2], "little") for at in (26, 28))
            file.seek(place + _LOCAL_HEADER + sum(lengths))
            header(file)
            return file.tell()

    def _read(self, file: IO[bytes], start: int, places: NDArray[np.int64]) -> NDArray[Any]:
        """Rows at some places; neighbours in one piece."""
        made = np.empty((len(places), *self.shape[1:]), self.dtype)
        ends = [0, *(1 + np.flatnonzero(np.diff(places) != 1)), len(places)]
        for first, last in pairwise(ends):
            file.seek(start + int(places[first]) * self._row_bytes)
            made[first:last] = self._piece(file, last - first)
        return made

    def _piece(self, file: IO[bytes], count: int) -> NDArray[Any]:
        """The next rows of a file."""
        size = count * self._row_bytes
        data = file.read(size)
        if len(data) < size:
            raise ValueError(f"{self.entry} ends early")
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])

    @property
    def _row_bytes(self) -> int:
        return prod(self.shape[1:]) * self.dtype.itemsize


def members(path: Path) -> dict[str, Member]:
    """The arrays of an archive by name.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        It is no archive of plain arrays.
    """
    found = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            with archive.open(entry) as file:
                shape, by_columns, dtype = header(file)
            if dtype.hasobject:
                raise ValueError(f"{entry} holds Python objects")
            in_order = bool(shape) and not by_columns
            found[entry.removesuffix(".npy")] = Member(path, entry, shape, dtype, in_order)
    return found


def header(file: IO[bytes]) -> tuple[Shape, bool, np.dtype[Any]]:
    """Read the shape, whether columns are outermost, and the type; rows follow."""
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the .npy format")
    return _HEADERS[version](file)


def _picked(array: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """Rows at some places; neighbours are not copied."""
    first, count = int(places[0]), len(places)
    near = bool((places == np.arange(first, first + count)).all())
    return array[first : first + count] if near else np.asarray(array[places])
