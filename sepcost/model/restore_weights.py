"""A model with weights on disk -> the contents of complete files: the inverse of ``strip_weights``.

Contents are lists of pieces: bytes, and sections of other files that are copied during writing. So
no weight has to be in memory, however large the model is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import onnx
from onnx import TensorProto

from sepcost.model.stamp import changed
from sepcost.model.strip_weights import WITHIN, header
from sepcost.model.tensors import FileSection, section
from sepcost.model.values import text

Piece = bytes | memoryview | FileSection

BLOCK = 1 << 20  # bytes copied at a time
SMALLEST = 1024  # bytes of the smallest tensor that goes to a data file
ALIGNED = 4096  # runtimes map data files by pages

_RAW_DATA, _BYTES, _VARINT, _FIXED64, _FIXED32 = 9, 2, 0, 1, 5
_MARK = b"location"  # occurs in every message with an external tensor


def size(parts: Iterable[Piece]) -> int:
    """Return the total bytes of the pieces."""
    return sum(part.length if isinstance(part, FileSection) else len(part) for part in parts)


def write(parts: Iterable[Piece], file: BinaryIO) -> None:
    """Write pieces in order, sections of files block by block.

    Raises
    ------
    ModelError
        If a file to copy from ends too early.
    """
    for part in parts:
        if not isinstance(part, FileSection):
            file.write(part)
            continue
        with part.path.open("rb") as source:
            source.seek(part.offset)
            left = part.length
            while left:
                block = source.read(min(BLOCK, left))
                if not block:
                    raise changed(part.path)
                file.write(block)
                left -= len(block)


def restore(model: onnx.ModelProto, home: Path, apart: str = "") -> list[Piece]:
    """Return the contents of a file with ``model`` and the bytes of its external tensors.

    Parameters
    ----------
    home
        The folder to which external data locations are relative.
    apart
        The data file whose tensors stay external.
    """
    data = model.SerializeToString()
    return list(_message(_Source(data, home, apart), "model", 0, len(data)))


@dataclass(frozen=True, slots=True)
class _Source:
    data: bytes
    home: Path
    apart: str


def _message(source: _Source, kind: str, start: int, end: int) -> Iterator[Piece]:
    """Copy a message, with the external tensors in it replaced by their contents."""
    view, copied = memoryview(source.data), start
    for number, wire, first, content, last in _fields(source.data, start, end):
        inner = WITHIN[kind].get(number)
        if inner is None or wire != _BYTES or source.data.find(_MARK, content, last) < 0:
            continue
        if inner == "tensor":
            body = _tensor(source, TensorProto.FromString(view[content:last]))
        else:
            body = list(_message(source, inner, content, last))
        yield view[copied:first]
        yield header(number, size(body))
        yield from body
        copied = last
    yield view[copied:end]


def _tensor(source: _Source, tensor: TensorProto) -> list[Piece]:
    apart = any(e.key == "location" and text(e.value) == source.apart for e in tensor.external_data)
    where = None if apart else section(tensor, source.home)
    if where is None:
        return [tensor.SerializeToString()]
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    return [tensor.SerializeToString(), header(_RAW_DATA, where.length), where]


def _fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield number, wire type, start, start of content and end of each field; trusts the bytes."""
    position = start
    while position < end:
        first = position
        key, position = _varint(data, position)
        content, wire = position, key & 7
        if wire == _BYTES:
            length, content = _varint(data, position)
            position = content + length
        elif wire == _VARINT:
            _, position = _varint(data, position)
        else:
            position += {_FIXED32: 4, _FIXED64: 8}[wire]
        yield key >> 3, wire, first, content, position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


@dataclass(slots=True)
class DataFile:
    """A data file under construction; tensors that share bytes are stored once."""

    name: str
    home: Path
    parts: list[Piece] = field(default_factory=list)
    length: int = 0
    offsets: dict[FileSection, tuple[int, int]] = field(default_factory=dict)

    def take(self, tensor: TensorProto) -> None:
        """Move the bytes of a large tensor here, and replace them with a reference."""
        where = section(tensor, self.home)
        part = tensor.raw_data if where is None else where
        if size([part]) < SMALLEST:
            return
        if isinstance(part, FileSection) and part in self.offsets:
            offset, length = self.offsets[part]
        else:
            offset, length = self._append(part)
        if isinstance(part, FileSection):
            self.offsets[part] = offset, length
        tensor.ClearField("raw_data")
        tensor.ClearField("external_data")
        tensor.data_location = TensorProto.EXTERNAL
        entries = {"location": self.name, "offset": str(offset), "length": str(length)}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)

    def _append(self, part: Piece) -> tuple[int, int]:
        padding = -self.length % ALIGNED
        self.parts += [bytes(padding), part]
        offset = self.length + padding
        self.length = offset + size([part])
        return offset, self.length - offset
