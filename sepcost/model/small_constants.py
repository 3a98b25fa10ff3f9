"""Load small constants from external data, because shapes depend on them.

Some exporters store every tensor externally, even trip counts, axes and target shapes. Weights stay
on disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path

from onnx import TensorProto

from sepcost.model.dtypes import DTYPES
from sepcost.model.tensor_checks import location
from sepcost.model.values import text
from sepcost.network import BITS

#: Enough for the shape, pads or scales of any operator; longer vectors are weights.
MAX_ELEMENTS = 64

_TYPES = frozenset(
    (
        TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL,
        TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16,
    )
)  # fmt: skip


def fetch(outside: Iterable[TensorProto], home: Path) -> None:
    """Load the small tensors among ``outside``, whose data is in the folder ``home``.

    A tensor with missing or truncated data stays external; counting may not need it.
    """
    for tensor in outside:
        if tensor.data_type in _TYPES and len(tensor.dims) < 2 and _is_short(tensor):
            data = _read(tensor, home)
            if data is not None:
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
                tensor.raw_data = data


def _is_short(tensor: TensorProto) -> bool:
    return 0 < int(prod(tensor.dims)) <= MAX_ELEMENTS


def _read(tensor: TensorProto, home: Path) -> bytes | None:
    """Return the bytes of a tensor; None if they cannot be read."""
    entries = {text(entry.key): entry.value for entry in tensor.external_data}
    path = home / location(tensor)
    length = prod(tensor.dims) * BITS[DTYPES[tensor.data_type]] // 8
    try:
        if not path.is_file():  # a pipe may be endless
            return None
        with path.open("rb") as file:
            file.seek(int(text(entries.get("offset", "0"))))
            data = file.read(length)
    except (OSError, OverflowError):
        return None
    return data if len(data) == length else None
