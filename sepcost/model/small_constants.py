"""Small constants kept in external data, brought into the message: shapes are told by them.

Some exporters put every tensor outside: trip counts, axes and target shapes too. Weights stay.
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

#: As many as a shape, the pads or the scales of any operator take; longer vectors are weights.
MOST_ELEMENTS = 64

_STEERING = frozenset(
    (
        TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL,
        TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16,
    )
)  # fmt: skip


def fetch(outside: Iterable[TensorProto], home: Path) -> None:
    """Read the small ones among external tensors; their data lie within the folder ``home``.

    One whose data are missing or cut short stays as it is: counting may do without.
    """
    for tensor in outside:
        if tensor.data_type in _STEERING and len(tensor.dims) < 2 and _is_short(tensor):
            data = _read(tensor, home)
            if data is not None:
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
                tensor.raw_data = data


def _is_short(tensor: TensorProto) -> bool:
    return 0 < int(prod(tensor.dims)) <= MOST_ELEMENTS


def _read(tensor: TensorProto, home: Path) -> bytes | None:
    """The bytes of a tensor, or None where they are not to be had."""
    entries = {text(entry.key): entry.value for entry in tensor.external_data}
    path = home / location(tensor)
    length = prod(tensor.dims) * BITS[DTYPES[tensor.data_type]] // 8
    try:
        if not path.is_file():  # a pipe would never end
            return None
        with path.open("rb") as file:
            file.seek(int(text(entries.get("offset", "0"))))
            data = file.read(length)
    except (OSError, OverflowError):
        return None
    return data if len(data) == length else None
