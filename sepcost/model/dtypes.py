"""Element types: their numbers in ONNX, their names here, and numpy's types for them.

The worker of a measurement reads this file on machines without onnx, so it does not import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sepcost.errors import BindingError

if TYPE_CHECKING:
    import numpy as np

_NAMES = (
    "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
    "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn",
    "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0",
    "uint2", "int2", "float6e2m3", "float6e3m2",
)  # fmt: skip

#: Name by number in ``TensorProto.DataType``; ``network.BITS`` has their sizes.
DTYPES: Mapping[int, str] = dict(enumerate(_NAMES, start=1))

#: Number by name.
NUMBERS: Mapping[str, int] = {name: number for number, name in DTYPES.items()}

#: Types that numpy has only through ml_dtypes -> their names there.
EXOTIC: Mapping[str, str] = {
    "bfloat16": "bfloat16",
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
    "float8e8m0": "float8_e8m0fnu",
    "float6e2m3": "float6_e2m3fn",
    "float6e3m2": "float6_e3m2fn",
    "float4e2m1": "float4_e2m1fn",
    "int4": "int4",
    "uint4": "uint4",
    "int2": "int2",
    "uint2": "uint2",
}


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

    if name not in EXOTIC:
        return np.dtype(name)
    import ml_dtypes  # noqa: PLC0415 - slow

    found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, EXOTIC[name]))
    return found


def called(dtype: np.dtype[Any]) -> str:
    """The name of a numpy type in messages: text instead of ``<U4``."""
    return "text" if dtype.kind in "SU" else str(dtype)
