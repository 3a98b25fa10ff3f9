"""ONNX file -> protobuf bytes whose weights stay on disk.

A walk over the file's fields copies everything but the bytes of large tensors. Each of those
becomes an external-data reference to its own place in the file, so whoever needs the weights
later reads them there; whoever does not never touches them. The format is that of
https://protobuf.dev/programming-guides/encoding and of onnx.proto.

The file is read and not mapped into memory: a process that maps a file which another truncates
is killed where it touches what is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from sepcost.errors import ModelError
from sepcost.model.stamp import changed

#: Payloads up to this size stay in the message: shapes, axes and scales are needed to infer.
INLINE_BYTES = 4096

#: Fields walked before a file is taken for a malicious one; 20,000 nodes take some 100,000.
MAX_FIELDS = 5_000_000

#: Bytes beside the weights, which are held in memory; 20,000 nodes take some 2 MB.
MAX_COPIED = 2**28

#: Bytes read at a time, and those of the longest number.
WINDOW, LONGEST = 2**14, 10

#: As deep as protobuf's own readers go.
MAX_DEPTH = 100

#: message -> field number -> message within. Anything else is copied as it stands.
WITHIN: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}

#: TensorProto's payload fields. Packed floats and doubles lie in the file as raw_data would;
#: varints (int32_data, int64_data, uint64_data) and strings do not, so a reference cannot name
#: them: they are dropped and the file is marked as one to be read whole when weights matter.
_REFERABLE = frozenset({4, 9, 10})
_VARINTS = frozenset({5, 6, 7, 11})

_VARINT, _FIXED64, _BYTES, _FIXED32 = _WIRES = (0, 1, 2, 5)


@dataclass(frozen=True, slots=True)
class Skimmed:
    """``data`` is a ModelProto; ``whole`` says that every weight in it can be reached."""

    data: bytes
    whole: bool


@dataclass(slots=True)
class _Walk:
    file: FileIO
    location: str
    source: str
    size: int
    window: bytes = b""  # what lies at ``base``
    base: int = 0
    fields: int = 0
    copied: int = 0
    dropped: bool = False
    depth: int = 0

    def copy(self, start: int, end: int) -> bytes:
        """Copy bytes that stay in the message."""
        self.copied += end - start
        if self.copied > MAX_COPIED:
            raise ModelError(f"{self.source}: more than {MAX_COPIED:,} bytes beside its weights")
        if self.base <= start and end <= self.base + len(self.window):
            return self.window[start - self.base : end - self.base]
        return self._read(start, end - start)

    def look(self, position: int) -> bytes:
        """Read on from where the next number stands."""
        self.base = position
        self.window = self._read(position, min(WINDOW, self.size - position))
        return self.window

    def _read(self, start: int, length: int) -> bytes:
        """Read bytes that were there when the walk began."""
        self.file.seek(start)
        parts = []
        while length and (part := self.file.read(length)):
            parts.append(part)
            length -= len(part)
        if length:
            raise changed(self.source)
        return b"".join(parts)


def skim(path: Path, source: str) -> Skimmed:
    """Read the model at ``path``, leaving tensor payloads above ``INLINE_BYTES`` on disk.

    Messages call it ``source``, as the user did.

    Raises
    ------
    ModelError
        Where the bytes are no protobuf message, end too early, or nest too deep, or the file is
        written to meanwhile.
    """
    with path.open("rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        walk = _Walk(file, path.name, source, before.st_size)
        data = _message(walk, "model", 0, walk.size)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise changed(source)
    return Skimmed(data, not walk.dropped)


def _message(walk: _Walk, kind: str, start: int, end: int) -> bytes:
    """Copy a message, with those large messages skimmed that may hold tensors."""
    if walk.depth > MAX_DEPTH:
        raise ModelError(f"{walk.source}: graphs nest deeper than {MAX_DEPTH} messages")
    walk.depth += 1
    within = WITHIN[kind]
    parts, copied = [], start
    for number, wire, field_start, content, field_end in _fields(walk, start, end):
        inner = within.get(number)
        if inner is None or wire != _BYTES or field_end - content <= INLINE_BYTES:
            continue
        if inner == "tensor":
            body = _tensor(walk, content, field_end)
        else:
            body = _message(walk, inner, content, field_end)
        parts += [walk.copy(copied, field_start), tagged(number, body)]
        copied = field_end
    walk.depth -= 1
    parts.append(walk.copy(copied, end))
    return b"".join(parts)


def _tensor(walk: _Walk, start: int, end: int) -> bytes:
    """Copy a TensorProto with its payload replaced by where it lies.

    A second large payload, which no exporter writes, is dropped: one reference names one place.
    """
    parts = []
    payload: tuple[int, int] | None = None
    for number, wire, field_start, content, field_end in _fields(walk, start, end):
        large = wire == _BYTES and field_end - content > INLINE_BYTES
        if number in _REFERABLE and large and payload is None:
            payload = (content, field_end - content)
        elif number in _REFERABLE | _VARINTS and large:
            walk.dropped = True
            payload = payload or (content, 0)
        else:
            parts.append(walk.copy(field_start, field_end))
    if payload is not None:
        parts.append(_reference(walk.location, *payload))
    return b"".join(parts)


def _reference(location: str, offset: int, length: int) -> bytes:
    """Return the fields external_data = 13 and data_location = 14 (EXTERNAL) of a TensorProto."""
    entries = {"location": location, "offset": str(offset), "length": str(length)}
    pairs = (
        tagged(1, key.encode()) + tagged(2, value.encode("utf-8", "surrogateescape"))
        for key, value in entries.items()
    )
    return b"".join(tagged(13, pair) for pair in pairs) + bytes((14 << 3 | _VARINT, 1))


def _fields(walk: _Walk, start: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield number, wire type, start, start of the content and end of each field."""
    position = start
    while position < end:
        walk.fields += 1
        if walk.fields > MAX_FIELDS:
            raise ModelError(f"{walk.source}: more than {MAX_FIELDS:,} fields, not a usable model")
        field_start = position
        key, position = _varint(walk, position, end)
        wire = key & 7
        content = position
        if wire == _BYTES:
            length, content = _varint(walk, position, end)
            position = content + length
        elif wire == _VARINT:
            _, position = _varint(walk, position, end)
        elif wire == _FIXED32:
            position += 4
        elif wire == _FIXED64:
            position += 8
        if wire not in _WIRES or key < 8:
            raise ModelError(f"{walk.source}: not an ONNX model (byte {field_start} is no field)")
        if position > end:
            raise ModelError(f"{walk.source}: truncated, or not an ONNX model (byte {field_start})")
        yield key >> 3, wire, field_start, content, position


def _varint(walk: _Walk, position: int, end: int) -> tuple[int, int]:
    window, at = walk.window, position - walk.base
    if at < 0 or at + LONGEST > len(window):
        window, at = walk.look(position), 0
    value = shift = 0
    while position < end and shift < 7 * LONGEST:
        byte = window[at]
        at, position = at + 1, position + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise ModelError(f"{walk.source}: truncated, or not an ONNX model (byte {position})")


def tagged(number: int, content: bytes) -> bytes:
    """Encode a field that holds bytes or a message."""
    return encoded(number << 3 | _BYTES) + encoded(len(content)) + content


def encoded(value: int) -> bytes:
    """Encode a number as a varint."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)
