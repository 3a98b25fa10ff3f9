"""The files beside a model that hold its weights, and how large the whole is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx

from sepcost.model.graphs import tensors
from sepcost.model.load import LFS, Loaded, load
from sepcost.model.tensor_checks import location
from sepcost.model.values import text

_MAX_POINTER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes on disk; a lower bound where some files are ``missing`` or cut short."""

    bytes: int
    missing: tuple[str, ...] = ()


def files(path: Path) -> tuple[Path, ...]:
    """Where an ONNX file keeps external data, each file once, whether it is there or not.

    Raises
    ------
    ModelError
        Where the file is no ONNX model, or points outside its folder.
    """
    return tuple(path.parent / name for name in sorted(load(path).beside))


def size(path: Path) -> Size:
    """Return the size of an ONNX file with its external data, those in Git LFS by their pointers.

    Raises
    ------
    ModelError
        Where the file is no ONNX model, or points outside its folder.
    """
    loaded = load(path)
    total, missing, ends = path.stat().st_size, [], _ends(loaded)
    for name in sorted(loaded.beside):
        found = _bytes(path.parent / name)
        total += found or 0
        if found is None or found < ends.get(name, 0):
            missing.append(name)
    return Size(total, tuple(missing))


def _ends(loaded: Loaded) -> dict[str, int]:
    """How far the tensors reach into each file of data."""
    ends: dict[str, int] = {}
    for name, end in _reaches(loaded.proto):
        ends[name] = max(end, ends.get(name, 0))
    return ends


def _reaches(model: onnx.ModelProto) -> Iterator[tuple[str, int]]:
    for tensor in tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            entries = {entry.key: text(entry.value) for entry in tensor.external_data}
            yield location(tensor), int(entries.get("offset", 0)) + int(entries.get("length", 0))


def _bytes(path: Path) -> int | None:
    """The size of a file of data, or the one that its Git LFS pointer states."""
    if not path.is_file():
        return None
    found = path.stat().st_size
    if found <= _MAX_POINTER_BYTES and (head := path.read_bytes()).startswith(LFS):
        stated = re.search(rb"^size ([0-9]{1,18})$", head, re.MULTILINE)
        return int(stated[1]) if stated else None
    return found
