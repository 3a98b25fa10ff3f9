"""The weights of a replacement, stored like the original's: plain, cast or quantised.

Integers get one scale per output channel, zero points of zero, and the largest level that the
original uses: models for processors without 8-bit products keep to 7 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sepcost.errors import ConversionError
from sepcost.model.dtypes import NUMBERS, numpy_dtype
from sepcost.model.graphs import STANDARD
from sepcost.model.tensors import Array
from sepcost.separable.find.storage import Stored

#: First opset with DequantizeLinear, and the first in which it takes one scale per channel.
QUANTIZED_OPSET = 10
CHANNEL_OPSET = 13

INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Weight:
    """A stored weight: the value to convolve with, and its scales if it is quantised."""

    value: str
    scale: Array | None = None


@dataclass(slots=True, eq=False)
class Weights:
    """Stores weights as tensors, and the nodes that widen them.

    ``shared`` maps labels to names, and is common to all convolutions that get the same factors.
    """

    owner: str  # the name of the original
    dtype: str  # that the convolution reads
    opset: int
    unique: Callable[[str], str]
    how: Stored | None = None
    domain: str = ""  # of ordinary nodes
    limit: int = 0  # largest level; 0: of the type
    shared: dict[str, str] = field(default_factory=dict)
    tensors: list[onnx.TensorProto] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    def weight(self, label: str, kernel: Array) -> Weight:
        """Store the weight of a part."""
        if self.how is None or (self._is_integer and self.opset < QUANTIZED_OPSET):
            return Weight(self.tensor(f"{label}/weight", kernel))
        if self._is_integer:
            return self._quantized(label, kernel, self.how)
        small = self.tensor(f"{label}/weight", kernel, self.how.dtype)
        to = helper.make_attribute("to", NUMBERS[self.dtype])
        return Weight(self._node("Cast", f"{label}/weight_{self.dtype}", [small], to))

    def bias(self, bias: Array, scale: Array) -> str:
        """Store a bias as int32 at ``scale``, that of the sums it is added to."""
        levels = np.clip(np.rint(bias / scale), -INT32_MAX, INT32_MAX)
        axis = [helper.make_attribute("axis", 0)] if scale.ndim else []
        inputs = [
            self.tensor("bias_quantized", levels, "int32"),
            self.tensor("bias_scale", scale),
        ]
        return self._node("DequantizeLinear", "bias", inputs, *axis)

    def tensor(self, label: str, array: Array, dtype: str = "") -> str:
        """Store an array in ``dtype``, by default the one that the convolution reads."""
        if label not in self.shared:
            name = self.unique(f"{self.owner}/{label}")
            self.tensors.append(numpy_helper.from_array(self._cast(array, name, dtype), name))
            self.shared[label] = name
        return self.shared[label]

    @property
    def _is_integer(self) -> bool:
        return self.how is not None and self.how.by == "DequantizeLinear"

    def _quantized(self, label: str, kernel: Array, how: Stored) -> Weight:
        apart = self.opset >= CHANNEL_OPSET or how.domain not in STANDARD
        axes = tuple(range(1, kernel.ndim)) if apart else None
        most = self.limit or how.levels
        exact = np.asarray(np.abs(kernel).max(axis=axes) / most)
        scale = exact.astype(numpy_dtype(self.dtype)).astype(np.float64)  # as it is stored
        scale = np.where(scale > 0, scale, 1.0)
        levels = np.rint(kernel / scale.reshape(*scale.shape, *[1] * (kernel.ndim - scale.ndim)))
        levels = levels.clip(-most, most)
        inputs = [
            self.tensor(f"{label}/weight_quantized", levels, how.dtype),
            self.tensor(f"{label}/weight_scale", scale),
            self.tensor(f"{label}/weight_zero_point", np.zeros(scale.shape), how.dtype),
        ]
        axis = [helper.make_attribute("axis", 0)] if scale.ndim else []
        return Weight(self._node("DequantizeLinear", f"{label}/weight", inputs, *axis), scale)

    def _node(
        self, op_type: str, label: str, inputs: list[str], *attributes: onnx.AttributeProto
    ) -> str:
        name = self.unique(f"{self.owner}/{label}")
        output = self.unique(f"{name}/output")
        node = onnx.NodeProto(op_type=op_type, name=name, input=inputs, output=[output])
        node.domain = self.domain if self.how is None or not self.how.domain else self.how.domain
        node.attribute.extend(attributes)
        self.nodes.append(node)
        return output

    def _cast(self, array: Array, name: str, dtype: str) -> Array:
        with np.errstate(over="ignore"):
            result = array.astype(numpy_dtype(dtype or self.dtype))
        if not np.isfinite(result.astype(np.float64)).all():
            raise ConversionError(
                f"{self.owner}: {name!r} does not fit {dtype or self.dtype}; skip this layer"
            )
        return np.asarray(result)
