"""Check that the data of tensors is in the model's folder and fits their shapes.

No file is opened. Missing external data is allowed: counting does not need it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import accumulate
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx
from onnx import TensorProto

from sepcost.errors import ModelError
from sepcost.model.dtypes import DTYPES
from sepcost.model.graphs import tensors
from sepcost.model.values import numbers_in, text
from sepcost.network import BITS

#: Each element is two numbers.
_COMPLEX = frozenset({TensorProto.COMPLEX64, TensorProto.COMPLEX128})


def check_tensors(proto: onnx.ModelProto, path: Path, source: str) -> list[TensorProto]:
    """Check every tensor of the model at ``path``, named ``source`` by the user.

    Returns
    -------
    list
        The tensors with external data.

    Raises
    ------
    ModelError
        If data is outside the model's folder, or does not fit the shape.
    """
    outside = []
    for tensor in tensors(proto):
        problem = _problem(tensor, path)
        if problem:
            raise ModelError(f"{source}: tensor {text(tensor.name)!r} {problem}")
        if tensor.data_location == TensorProto.EXTERNAL:
            outside.append(tensor)
    return outside


def _problem(tensor: TensorProto, path: Path) -> str:
    """Return what is wrong with a tensor; empty if nothing."""
    if min(tensor.dims, default=0) < 0:
        return "has a negative dimension; export the model again"
    if tensor.data_location != TensorProto.EXTERNAL:
        return _length_problem(tensor, len(tensor.raw_data)) or _count_problem(tensor)
    entries = {text(entry.key): entry.value for entry in tensor.external_data}
    name = location(tensor)
    if name != path.name and _escapes(name, path):
        return (
            f"has its data at {name!r}, outside the model's folder; move the data into that folder"
        )
    for key in ("offset", "length"):
        number = text(entries.get(key, "0"))
        if not (number.isascii() and number.isdecimal() and len(number) < 20):
            return f"has external data with {key} {number!r}, which is not a number of bytes"
    return _length_problem(tensor, int(entries.get("length", 0)))


def location(tensor: TensorProto) -> str:
    """Return the data file of an external tensor, relative to the model's folder."""
    entries = {text(entry.key): entry.value for entry in tensor.external_data}
    return os.fsdecode(entries.get("location", ""))


def _length_problem(tensor: TensorProto, length: int) -> str:
    bits = BITS.get(DTYPES.get(tensor.data_type, ""), 0) if length else 0
    expected = -(-prod(tensor.dims) * bits // 8)
    if not bits or length == expected:
        return ""
    return (
        f"of shape {list(tensor.dims)} has {length} bytes of data,"
        f" not {expected}; export the model again"
    )


def _count_problem(tensor: TensorProto) -> str:
    count, elements = numbers_in(tensor), prod(tensor.dims)
    if not count:
        return ""
    bits = BITS.get(DTYPES.get(tensor.data_type, ""), 0)
    if 0 < bits < 8:  # several elements share a number
        return ""
    numbers = elements * 2 if tensor.data_type in _COMPLEX else elements
    if count == numbers:
        return ""
    return (
        f"of shape {list(tensor.dims)} has {count} numbers, not {numbers}; export the model again"
    )


def _escapes(location: str, path: Path) -> bool:
    """Whether a location is invalid, absolute or upwards, or leaves the folder through a link.

    In the cache of a model hub, the model itself is a link: its data may then be next to the file
    that the link points to.
    """
    if not location or "\0" in location:
        return True
    for pure in (PurePosixPath(location), PureWindowsPath(location)):
        if pure.anchor or _climbs(pure.parts):
            return True
    home = path.parent.resolve()
    data = (home / location).resolve()
    return not any(data.is_relative_to(place) for place in (home, path.resolve().parent))


def _climbs(parts: Sequence[str]) -> bool:
    """Whether a path leaves the folder that it starts in, even if it comes back."""
    depths = accumulate(-1 if part == ".." else 1 for part in parts)
    return any(depth < 0 for depth in depths)
