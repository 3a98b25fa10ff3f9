"""Element types: their numbers in ONNX, their names here, and numpy's types for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from onnx import TensorProto

from sepcost.errors import BindingError

if TYPE_CHECKING:
    import numpy as np

#: Name by number in ``TensorProto.DataType``; ``network.BITS`` has their sizes.
DTYPES: Mapping[int, str] = {
    number: {"FLOAT": "float32", "DOUBLE": "float64"}.get(name, name.lower())
    for name, number in TensorProto.DataType.items()
    if number
}

#: Number by name.
NUMBERS: Mapping[str, int] = {name: number for number, name in DTYPES.items()}


@cache
def exotic() -> frozenset[str]:
    """Types that numpy has only through ml_dtypes, such as bfloat16 and int4."""
    from onnx import helper  # noqa: PLC0415 - slow

    types = {name: helper.tensor_dtype_to_np_dtype(number) for name, number in NUMBERS.items()}
    return frozenset(name for name, type_ in types.items() if type_.isbuiltin != 1)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return the numpy type of an element type.

    Raises
    ------
    BindingError
        If there is none: for strings, and where the type is unknown (a sequence or a map).
    """
    if name not in NUMBERS or name == "string":
        raise BindingError(f"cannot create inputs of type {name!r}; leave them out")
    import numpy as np  # noqa: PLC0415 - slow
    from onnx import helper  # noqa: PLC0415 - slow

    return np.dtype(helper.tensor_dtype_to_np_dtype(NUMBERS[name]))


def called(dtype: np.dtype[Any]) -> str:
    """The name of a numpy type in messages: text instead of ``<U4``."""
    return "text" if dtype.kind in "SU" else str(dtype)
