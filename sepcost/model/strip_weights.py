"""ONNX file -> protobuf bytes without the weights, which stay on disk.

A scan over the fields of the file copies everything except the bytes of large tensors. Each large
tensor becomes an external-data reference to its own place in the file, where its bytes can be read
if they are needed. The format is that of https://protobuf.dev/programming-guides/encoding and of
onnx.proto.

The file is read rather than mapped into memory: if another process truncates a mapped file, reading
the missing part kills this process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from sepcost.errors import ModelError
from sepcost.model.stamp import changed

#: Payloads up to this size stay in the message: inference needs shapes, axes and scales.
INLINE_BYTES = 4096

#: A file with more fields is refused as malicious; 20,000 nodes have about 100,000.
MAX_FIELDS = 5_000_000

#: Limit on the bytes besides the weights, which are held in memory; 20,000 nodes take about 2 MB.
MAX_COPIED = 2**28

#: Bytes read at a time; bytes of the longest varint.
WINDOW, LONGEST = 2**14, 10

#: The limit of protobuf's own readers.
MAX_DEPTH = 100

#: Message -> field number -> nested message that may hold tensors. All else is copied unchanged.
WITHIN: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}

#: Payload fields of TensorProto. Packed floats and doubles are stored like raw_data, so a reference
#: can name them. Varints (int32_data, int64_data, uint64_data) and strings are not: these are
#: dropped, and ``Stripped.complete`` tells whether the file must be read again for its weights.
_REFERABLE = frozenset({4, 9, 10})
_VARINTS = frozenset({5, 6, 7, 11})

_VARINT, _FIXED64, _BYTES, _FIXED32 = _WIRES = (0, 1, 2, 5)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A serialized ModelProto, and whether all its weights can be reached through it."""

    data: bytes
    complete: bool


@dataclass(slots=True)
class _Scan:
    file: FileIO
    location: str
    source: str
    size: int
    window: bytes = b""  # the bytes from ``base`` on
    base: int = 0
    fields: int = 0
    copied: int = 0
    dropped: bool = False
    depth: int = 0

    def copy(self, start: int, end: int) -> bytes:
        """Read bytes that stay in the message."""
        self.copied += end - start
        if self.copied > MAX_COPIED:
            raise ModelError(f"{self.source}: more than {MAX_COPIED:,} bytes besides its weights")
        if self.base <= start and end <= self.base + len(self.window):
            return self.window[start - self.base : end - self.base]
        return self._read(start, end - start)

    def look(self, position: int) -> bytes:
        """Read a window that starts at ``position``."""
        self.base = position
        self.window = self._read(position, min(WINDOW, self.size - position))
        return self.window

    def _read(self, start: int, length: int) -> bytes:
        """Read bytes that existed when the scan began."""
        self.file.seek(start)
        parts = []
        while length and (part := self.file.read(length)):
            parts.append(part)
            length -= len(part)
        if length:
            raise changed(self.source)
        return b"".join(parts)


def strip(path: Path, source: str) -> Stripped:
    """Read the model at ``path``, leaving tensor payloads above ``INLINE_BYTES`` on disk.

    Error messages name it ``source``, as the user did.

    Raises
    ------
    ModelError
        If the bytes are not a protobuf message, end too early or nest too deeply, or if the file is
        modified meanwhile.
    """
    with path.open("rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        scan = _Scan(file, path.name, source, before.st_size)
        data = _message(scan, "model", 0, scan.size)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise changed(source)
    return Stripped(data, not scan.dropped)


def _message(scan: _Scan, kind: str, start: int, end: int) -> bytes:
    """Copy a message, with the large tensors in it replaced by references."""
    if scan.depth > MAX_DEPTH:
        raise ModelError(f"{scan.source}: graphs nest deeper than {MAX_DEPTH} messages")
    scan.depth += 1
    within = WITHIN[kind]
    parts, copied = [], start
    for number, wire, field_start, content, field_end in _fields(scan, start, end):
        inner = within.get(number)
        if inner is None or wire != _BYTES or field_end - content <= INLINE_BYTES:
            continue
        if inner == "tensor":
            body = _tensor(scan, content, field_end)
        else:
            body = _message(scan, inner, content, field_end)
        parts += [scan.copy(copied, field_start), tagged(number, body)]
        copied = field_end
    scan.depth -= 1
    parts.append(scan.copy(copied, end))
    return b"".join(parts)


def _tensor(scan: _Scan, start: int, end: int) -> bytes:
    """Copy a TensorProto with its payload replaced by a reference.

    A second large payload, which no exporter writes, is dropped: a reference names one place.
    """
    parts = []
    payload: tuple[int, int] | None = None
    for number, wire, field_start, content, field_end in _fields(scan, start, end):
        large = wire == _BYTES and field_end - content > INLINE_BYTES
        if number in _REFERABLE and large and payload is None:
            payload = (content, field_end - content)
        elif number in _REFERABLE | _VARINTS and large:
            scan.dropped = True
            payload = payload or (content, 0)
        else:
            parts.append(scan.copy(field_start, field_end))
    if payload is not None:
        parts.append(_reference(scan.location, *payload))
    return b"".join(parts)


def _reference(location: str, offset: int, length: int) -> bytes:
    """Return the fields external_data = 13 and data_location = 14 (EXTERNAL) of a TensorProto."""
    entries = {"location": location, "offset": str(offset), "length": str(length)}
    pairs = (
        tagged(1, key.encode()) + tagged(2, value.encode("utf-8", "surrogateescape"))
        for key, value in entries.items()
    )
    return b"".join(tagged(13, pair) for pair in pairs) + bytes((14 << 3 | _VARINT, 1))


def _fields(scan: _Scan, start: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield number, wire type, start, start of content and end of each field."""
    position = start
    while position < end:
        scan.fields += 1
        if scan.fields > MAX_FIELDS:
            raise ModelError(f"{scan.source}: more than {MAX_FIELDS:,} fields, not a usable model")
        field_start = position
        key, position = _varint(scan, position, end)
        wire = key & 7
        content = position
        if wire == _BYTES:
            length, content = _varint(scan, position, end)
            position = content + length
        elif wire == _VARINT:
            _, position = _varint(scan, position, end)
        elif wire == _FIXED32:
            position += 4
        elif wire == _FIXED64:
            position += 8
        if wire not in _WIRES or key < 8:
            at = f"invalid protobuf at byte {field_start}"
            raise ModelError(f"{scan.source}: not an ONNX model, or corrupt ({at})")
        if position > end:
            raise _truncated(scan, field_start)
        yield key >> 3, wire, field_start, content, position


def _varint(scan: _Scan, position: int, end: int) -> tuple[int, int]:
    window, at = scan.window, position - scan.base
    if at < 0 or at + LONGEST > len(window):
        window, at = scan.look(position), 0
    value = shift = 0
    while position < end and shift < 7 * LONGEST:
        byte = window[at]
        at, position = at + 1, position + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise _truncated(scan, position)


def _truncated(scan: _Scan, start: int) -> ModelError:
    return ModelError(
        f"{scan.source}: truncated, or not an ONNX model (incomplete field at byte {start})"
    )


def tagged(number: int, content: bytes) -> bytes:
    """Encode a field of bytes, or of a message."""
    return header(number, len(content)) + content


def header(number: int, length: int) -> bytes:
    """Encode the tag and the length of a field of bytes."""
    return encoded(number << 3 | _BYTES) + encoded(length)


def encoded(value: int) -> bytes:
    """Encode a number as a varint."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)
