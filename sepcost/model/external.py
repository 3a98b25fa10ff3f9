"""The data files of a model, and its total size."""

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
class ModelSize:
    """Bytes on disk; a lower bound if data files are ``missing`` or too short."""

    bytes: int
    missing: tuple[str, ...] = ()


def files(path: Path) -> tuple[Path, ...]:
    """Return the data files that an ONNX file refers to, whether they exist or not.

    Raises
    ------
    ModelError
        If the file is not an ONNX model, or refers to data outside its folder.
    """
    return tuple(path.parent / name for name in sorted(load(path).data_files))


def size(path: Path) -> ModelSize:
    """Return the size of an ONNX file and its data files; Git LFS pointers state theirs.

    Raises
    ------
    ModelError
        If the file is not an ONNX model, or refers to data outside its folder.
    """
    loaded = load(path)
    total, missing, ends = path.stat().st_size, [], _ends(loaded)
    for name in sorted(loaded.data_files):
        length = _bytes(path.parent / name)
        total += length or 0
        if length is None or length < ends.get(name, 0):
            missing.append(name)
    return ModelSize(total, tuple(missing))


def _ends(loaded: Loaded) -> dict[str, int]:
    """Return the end of the last tensor in each data file."""
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
    """Return the size of a data file, or the size in its Git LFS pointer; None if missing."""
    if not path.is_file():
        return None
    length = path.stat().st_size
    if length <= _MAX_POINTER_BYTES and (head := path.read_bytes()).startswith(LFS):
        stated = re.search(rb"^size ([0-9]{1,18})$", head, re.MULTILINE)
        return int(stated[1]) if stated else None
    return length
