"""The contents of tensors, read from disk on demand."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sepcost.errors import ModelError
from sepcost.model.load import LFS, LOOKALIKES, Loaded
from sepcost.model.stamp import changed, check_unchanged
from sepcost.model.tensor_checks import location
from sepcost.model.values import text

Array = np.ndarray[Any, np.dtype[Any]]


class FileSection(NamedTuple):
    """The section of a file that holds the bytes of one tensor."""

    path: Path
    offset: int
    length: int


def folder(loaded: Loaded) -> Path:
    """Return the folder to which locations of external data are relative."""
    return loaded.path.parent if loaded.path else Path()


def section(tensor: TensorProto, home: Path) -> FileSection | None:
    """Return the section with an external tensor's bytes; None if the bytes are in the message.

    Raises
    ------
    ModelError
        If the file is missing or ends too early.
    """
    if tensor.data_location != TensorProto.EXTERNAL:
        return None
    entries = {entry.key: text(entry.value) for entry in tensor.external_data}
    path = home / location(tensor)
    offset, length = int(entries.get("offset", 0)), int(entries.get("length", 0))
    try:
        end = path.stat().st_size
    except OSError as error:
        raise ModelError(
            f"{path}: cannot read the data of tensor {text(tensor.name)!r}: {error.strerror}"
        ) from error
    length = length or _size(tensor) or end - offset
    if offset + length > end:
        what = LOOKALIKES[LFS] if _is_pointer(path) else "truncated"
        raise ModelError(f"{path}: {what} (within the data of tensor {text(tensor.name)!r})")
    return FileSection(path, offset, length)


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(LFS)) == LFS


def _size(tensor: TensorProto) -> int | None:
    """Return the bytes of a tensor by its shape; None if elements are smaller than a byte."""
    if tensor.data_type in _PACKED:
        return None
    return int(prod(tensor.dims)) * _dtype(tensor).itemsize


def _dtype(tensor: TensorProto) -> np.dtype[Any]:
    return np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).newbyteorder("<")


_PACKED = frozenset(
    number for name, number in TensorProto.DataType.items() if name.endswith(("INT4", "4E2M1"))
)


def content(tensor: TensorProto, home: Path) -> Array:
    """Read the elements of a tensor, and nothing else of its file.

    Raises
    ------
    ModelError
        If its external data is missing or too short.
    """
    where = section(tensor, home)
    if where is None:
        return np.asarray(numpy_helper.to_array(tensor))
    if tensor.data_type in _PACKED:
        inline = TensorProto(data_type=tensor.data_type, dims=tensor.dims)
        packed = _from_file(where, np.dtype(np.uint8), where.length)
        inline.raw_data = packed.tobytes()
        return np.asarray(numpy_helper.to_array(inline))
    dtype = _dtype(tensor)
    count = prod(tensor.dims)
    if where.length != count * dtype.itemsize:
        raise ModelError(
            f"{where.path}: tensor {text(tensor.name)!r} has {where.length} bytes of data, not"
            f" {count * dtype.itemsize}; export the model again"
        )
    return _from_file(where, dtype, count).reshape(tuple(tensor.dims))


def _from_file(where: FileSection, dtype: np.dtype[Any], count: int) -> Array:
    try:
        elements = np.fromfile(where.path, dtype, count, "", where.offset)
    except OSError as error:
        raise changed(where.path) from error
    if len(elements) != count:
        raise changed(where.path)
    return elements


def whole(loaded: Loaded) -> Loaded:
    """Return the model with all its weights accessible.

    Weights that are stored as varints cannot be read in place; a file with such weights is read
    again in full.

    Raises
    ------
    ModelError
        If a layer spec was built without weights.
    """
    if loaded.complete:
        return loaded
    if loaded.path is None:
        raise ModelError(f"{loaded.source}: built without weights; load it with weights=True")
    proto = onnx.load(loaded.path, load_external_data=False)
    check_unchanged(loaded.stamps)
    return replace(loaded, proto=proto, complete=True)
