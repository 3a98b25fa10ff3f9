"""The nodes and weights that take one convolution's place, while they are put together.

Where the original's weight was quantised, so are the new ones, with a scale for each channel.
What flows between the parts stays float: no range of it is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sepcost.errors import ConversionError
from sepcost.model.dtypes import numpy_dtype
from sepcost.model.tensors import Array
from sepcost.model.values import text
from sepcost.separable.find.candidates import Candidate, turned
from sepcost.separable.find.mark import mark

#: Attributes of a convolution that each part sets for itself.
OWN = frozenset({"group", "kernel_shape"})

#: The first opset whose DequantizeLinear takes one scale a channel.
CHANNEL_OPSET = 13

#: The first opset whose Add is the one of today.
ADD_OPSET = 7

INT8_MAX = 127


@dataclass(slots=True)
class Replacement:
    """A replacement in the making.

    ``unique`` turns a wanted name into a free one; ``stored`` holds the names of weights by what
    they are, for convolutions that are given the very same factors.
    """

    candidate: Candidate
    node: onnx.NodeProto
    unique: Callable[[str], str]
    opset: int
    stored: dict[str, str] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)
    channels: dict[str, int] = field(default_factory=dict)  # of each value that is convolved

    def __post_init__(self) -> None:
        """Begin with what the original convolves."""
        self.channels[self.source] = self.candidate.convolution.in_channels

    @property
    def name(self) -> str:
        """The original's name, or that of its output."""
        return text(self.node.name) or text(self.node.output[0])

    @property
    def source(self) -> str:
        """What the original convolves."""
        name: str = self.node.input[0]
        return name

    def bias(self, fitted: Array | None) -> str:
        """Name the bias to add: a fitted one, else the original's, else none."""
        if fitted is not None:
            return self._tensor("bias", fitted)
        return self.node.input[2] if len(self.node.input) > 2 else ""

    def spatial(self, label: str, source: str, kernel: Array, bias: str = "") -> str:
        """Convolve as the original does, with ``kernel`` [N, C/group, *k]; name the output."""
        group = self.channels[source] // kernel.shape[1]
        transposed = self.candidate.convolution.transposed
        weight = self._weight(label, turned(kernel, group) if transposed else kernel)
        inputs = [source, weight, *([bias] if bias else [])]
        output = self._node(self.node.op_type, label, inputs)
        made = self.nodes[-1]
        made.attribute.extend(a for a in self.node.attribute if a.name not in OWN)
        self._shape(made, kernel, group)
        self.channels[output] = len(kernel)
        return output

    def pointwise(self, label: str, source: str, kernel: Array, bias: str = "") -> str:
        """Mix channels by ``kernel`` [N, C/group, 1, ...]; name the output."""
        inputs = [source, self._weight(label, kernel), *([bias] if bias else [])]
        output = self._node("Conv", label, inputs)
        self._shape(self.nodes[-1], kernel, self.channels[source] // kernel.shape[1])
        self.channels[output] = len(kernel)
        return output

    def add(self, a: str, b: str, number: int) -> str:
        """Add two values of one shape; name the sum."""
        # Add broadcast in another way before opset 7, and ONNX Runtime has none of those
        op_type = "Add" if self.opset >= ADD_OPSET else "Sum"
        return self._node(op_type, f"add_{number}", [a, b])

    def concat(self, parts: list[str]) -> str:
        """Put the channels of all parts one after the other; name the result."""
        output = self._node("Concat", "concat", parts)
        self.nodes[-1].attribute.append(helper.make_attribute("axis", 1))
        self.channels[output] = sum(self.channels[part] for part in parts)
        return output

    @property
    def replaced(self) -> list[str]:
        """What the original reads."""
        return list(self.node.input)

    def finish(self, ir_version: int) -> None:
        """Write to the original's output, take over what was said about it, and mark the nodes."""
        last = self.nodes[-1]
        last.output[0] = self.node.output[0]
        last.doc_string = self.node.doc_string
        last.metadata_props.extend(self.node.metadata_props)
        for node in self.nodes:
            mark(node, self.name, ir_version)

    def _shape(self, node: onnx.NodeProto, kernel: Array, group: int) -> None:
        node.attribute.append(helper.make_attribute("kernel_shape", kernel.shape[2:]))
        node.attribute.append(helper.make_attribute("group", group))

    def _node(self, op_type: str, label: str, inputs: list[str]) -> str:
        name = self.unique(f"{self.name}/{label}")
        output = self.unique(f"{name}/output")
        node = onnx.NodeProto(op_type=op_type, name=name, input=inputs, output=[output])
        node.domain = self.node.domain
        self.nodes.append(node)
        return output

    def _weight(self, label: str, kernel: Array) -> str:
        """Store a weight, as the original keeps its own; name what a convolution can read."""
        if not self.candidate.quantized:
            return self._tensor(f"{label}/weight", kernel)
        axes = tuple(range(1, kernel.ndim)) if self.opset >= CHANNEL_OPSET else None
        scale = np.abs(kernel).max(axis=axes) / INT8_MAX
        scale = np.where(scale > 0, scale, 1.0)
        levels = np.rint(kernel / scale.reshape(*scale.shape, *[1] * (kernel.ndim - scale.ndim)))
        inputs = [
            self._tensor(f"{label}/weight_quantized", levels, "int8"),
            self._tensor(f"{label}/weight_scale", scale),
            self._tensor(f"{label}/weight_zero_point", np.zeros(scale.shape), "int8"),
        ]
        output = self._node("DequantizeLinear", f"{label}/weight", inputs)
        if scale.ndim:
            self.nodes[-1].attribute.append(helper.make_attribute("axis", 0))
        return output

    def _tensor(self, label: str, array: Array, dtype: str = "") -> str:
        """Store an array in the candidate's type, or the one given; name it."""
        if label not in self.stored:
            name = self.unique(f"{self.name}/{label}")
            self.tensors.append(numpy_helper.from_array(self._cast(array, name, dtype), name))
            self.stored[label] = name
        return self.stored[label]

    def _cast(self, array: Array, name: str, dtype: str) -> Array:
        with np.errstate(over="ignore"):
            result = array.astype(numpy_dtype(dtype or self.candidate.dtype))
        if not np.isfinite(result.astype(np.float64)).all():
            raise ConversionError(
                f"{self.name}: {name!r} does not fit {self.candidate.dtype}; skip this layer"
            )
        return result
