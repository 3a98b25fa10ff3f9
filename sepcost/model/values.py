"""One value while a model is described: its type, contents and origin, as far as known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from operator import attrgetter
from struct import unpack
from typing import TYPE_CHECKING, Any, Literal

import onnx
from onnx import TensorProto, TypeProto

from sepcost.model import symbols
from sepcost.model.dtypes import DTYPES
from sepcost.network import Shape

if TYPE_CHECKING:
    import numpy as np

#: Constants of up to this many elements are kept and folded: shapes, axes, scales.
FOLD_ELEMENTS = 1024

#: Fields of a tensor with elements as numbers; if one is filled, raw_data is empty.
_TYPED = attrgetter(
    "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data"
)

#: The types on which numpy computes as ONNX does, and the field of a tensor for their elements.
FOLDABLE: Mapping[int, str] = {
    TensorProto.FLOAT: "float_data", TensorProto.DOUBLE: "double_data",
    TensorProto.FLOAT16: "int32_data", TensorProto.BOOL: "int32_data",
    TensorProto.INT8: "int32_data", TensorProto.INT16: "int32_data",
    TensorProto.INT32: "int32_data", TensorProto.INT64: "int64_data",
    TensorProto.UINT8: "int32_data", TensorProto.UINT16: "int32_data",
    TensorProto.UINT32: "uint64_data", TensorProto.UINT64: "uint64_data",
}  # fmt: skip


@dataclass(slots=True)
class Known:
    """One value. ``name`` is unique in the model; ``constant``: independent of the graph inputs."""

    name: str
    _type: TypeProto | None = None  # made on demand if element type and shape are given instead
    constant: bool = False
    parameters: tuple[str, ...] = ()  # parameters whose elements it contains
    quantum: Literal["", "scale", "sum"] = ""  # of dynamic quantisation, see ``provenance``
    _element: TensorProto | None = field(default=None, repr=False)  # which fills the contents
    _tensor: TensorProto | None = field(default=None, repr=False)
    _array: np.ndarray | None = field(default=None, repr=False)
    _shape: Shape | Literal[False] | None = field(default=False, repr=False)
    _elem_type: int | None = None

    @property
    def type(self) -> TypeProto:
        """The type; it is empty if nothing is known about it."""
        if self._type is None:
            self._type = tensor_type(self._elem_type or 0, self._shape or ())
        return self._type

    @property
    def shape(self) -> Shape | None:
        """Static shape; None if a dimension or the rank is unknown, or if it is not a tensor."""
        if self._shape is False:  # cached: every node that reads the value asks for it
            self._shape = static_shape(self.type)
        return self._shape

    def retype(self, type_: TypeProto) -> None:
        """Change the type, and forget the contents."""
        self._type, self._shape, self._elem_type = type_, False, None
        self._element = self._tensor = self._array = None

    @property
    def elem_type(self) -> int:
        """Element type by ONNX's number; 0 if unknown or if the value is not a tensor."""
        if self._elem_type is None:
            self._elem_type = self.type.tensor_type.elem_type
        return self._elem_type

    @property
    def dtype(self) -> str:
        """Element type; empty if unknown or if the value is not a tensor."""
        return DTYPES.get(self.elem_type, "")

    @property
    def has_contents(self) -> bool:
        """Whether the elements are known."""
        stored = self._tensor is not None or self._array is not None
        return stored or self._element is not None

    @property
    def array(self) -> np.ndarray | None:
        """The contents, if known."""
        if self._array is None and (tensor := self.tensor) is not None:
            from onnx import numpy_helper  # noqa: PLC0415 - slow

            self._array = numpy_helper.to_array(tensor)
        return self._array

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """The contents, if they are known and int64, as those of shapes are; without numpy."""
        if self.dtype != "int64":
            return None
        if self._array is not None:
            return tuple(map(int, self._array.flat))
        tensor = self.tensor
        if tensor is None:
            return None
        raw = tensor.raw_data
        return unpack(f"<{len(raw) // 8}q", raw) if raw else tuple(tensor.int64_data)

    @property
    def tensor(self) -> TensorProto | None:
        """The contents, if known."""
        if self._tensor is None and self._element is not None:
            self._tensor = _repeated(self._element, self.shape or ())
        elif self._tensor is None and self._array is not None:
            from onnx import numpy_helper  # noqa: PLC0415 - slow

            self._tensor = numpy_helper.from_array(self._array)
        return self._tensor

    def reshaped(self, shape: Shape) -> Known:
        """Return a constant with the same elements and another shape, without numpy."""
        result = shaped("", self.elem_type, shape, constant=True, _element=self._element)
        if self._element is None and self.tensor is not None:
            result._tensor = TensorProto()
            result._tensor.CopyFrom(self.tensor)
            result._tensor.dims[:] = shape
        return result

    def renamed(self) -> Known:
        """Return the same value without a name."""
        return replace(self, name="")


def text(raw: str | bytes) -> str:
    """Return a name as text: protobuf returns names that are not UTF-8 as bytes."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")


def static_shape(type_: TypeProto) -> Shape | None:
    """Return the shape of a tensor type if every dimension is known, else None."""
    kind = type_.WhichOneof("value")
    if kind not in {"tensor_type", "sparse_tensor_type"}:
        return None
    tensor = getattr(type_, kind)
    if not tensor.HasField("shape"):
        return None
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim)
    return None if any(size < 0 for size in shape) else shape


def tensor_type(elem_type: int, shape: Shape | None) -> TypeProto:
    """Return a tensor type; a shape of None means an unknown rank."""
    result = TypeProto()
    result.tensor_type.elem_type = elem_type
    if shape is not None:
        result.tensor_type.shape.SetInParent()
        for size in shape:
            result.tensor_type.shape.dim.add().dim_value = size
    return result


def shaped(name: str, elem_type: int, shape: Shape, **contents: Any) -> Known:
    """Describe a tensor; its type is only made if something asks for it."""
    return Known(name, _shape=shape, _elem_type=elem_type, **contents)


def bound_type(type_: TypeProto, bindings: Mapping[str, int]) -> TypeProto:
    """Return a type with the symbols in its dimensions bound."""
    if not any(dim.dim_param for dim in type_.tensor_type.shape.dim):
        return type_
    result = TypeProto()
    result.CopyFrom(type_)
    for dim in result.tensor_type.shape.dim:
        known = symbols.size(text(dim.dim_param), bindings)
        if known is not None:
            dim.dim_value = known
    return result


def from_tensor(name: str, tensor: TensorProto) -> Known:
    """Describe an initializer or a Constant; only small contents are kept."""
    shape = tuple(tensor.dims)
    small = (
        prod(shape) <= FOLD_ELEMENTS
        and tensor.data_type in FOLDABLE
        and tensor.data_location != TensorProto.EXTERNAL
        and _holds(tensor, prod(shape))
    )
    return shaped(name, tensor.data_type, shape, constant=True, _tensor=tensor if small else None)


def _holds(tensor: TensorProto, elements: int) -> bool:
    """Whether a tensor contains its elements, in the field for its type."""
    return bool(tensor.raw_data) or len(getattr(tensor, FOLDABLE[tensor.data_type])) == elements


def numbers_in(tensor: TensorProto) -> int:
    """Count the elements that a tensor contains as numbers; stripped models have none."""
    return sum(map(len, _TYPED(tensor)))


def from_array(name: str, array: np.ndarray) -> Known:
    """Describe a computed constant."""
    from onnx import helper  # noqa: PLC0415 - slow

    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return shaped(name, kind, array.shape, constant=True, _array=array)


def repeated(element: TensorProto, shape: Shape) -> Known | None:
    """Describe a constant of this shape that repeats one element; None if numpy lacks its type."""
    if element.data_type not in FOLDABLE or prod(element.dims) != 1:
        return None
    return shaped("", element.data_type, shape, constant=True, _element=element)


def _repeated(element: TensorProto, shape: Shape) -> TensorProto:
    tensor = TensorProto(data_type=element.data_type, dims=shape)
    if element.raw_data:
        tensor.raw_data = element.raw_data * prod(shape)
    else:
        field = FOLDABLE[element.data_type]
        getattr(tensor, field).extend([*getattr(element, field)] * prod(shape))
    return tensor


def opaque(name: str) -> Known:
    """Describe a value about which nothing is known."""
    return Known(name, onnx.TypeProto())
