"""The nodes and weights that replace one convolution.

If the original's weight is quantised, so are the new ones, with one scale per channel. Activations
between the parts stay float, as their range is unknown.
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
from sepcost.separable.rewrite.padding import refused, write_pads

#: Attributes of a convolution that each part sets itself.
OWN = frozenset({"group", "kernel_shape"})

#: First opset whose DequantizeLinear takes one scale per channel.
CHANNEL_OPSET = 13

#: First opset with today's broadcasting of Add.
ADD_OPSET = 7

INT8_MAX = 127


@dataclass(slots=True)
class Replacement:
    """Nodes and weights of one replacement, built step by step.

    ``unique`` turns a wanted name into a free one; ``stored`` maps labels of weights to their
    names, and is common to all convolutions that get the same factors.
    """

    candidate: Candidate
    node: onnx.NodeProto
    unique: Callable[[str], str]
    opset: int
    stored: dict[str, str] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)
    channels: dict[str, int] = field(default_factory=dict)  # channels by value

    def __post_init__(self) -> None:
        """Start from the original's input."""
        self.channels[self.source] = self.candidate.convolution.in_channels

    @property
    def name(self) -> str:
        """The original's name, else that of its output."""
        return text(self.node.name) or text(self.node.output[0])

    @property
    def source(self) -> str:
        """The original's input."""
        name: str = self.node.input[0]
        return name

    def bias(self, fitted: Array | None) -> str:
        """Name of the bias: the fitted one, else the original's, else empty."""
        if fitted is not None:
            return self._tensor("bias", fitted)
        return self.node.input[2] if len(self.node.input) > 2 else ""

    def spatial(self, label: str, source: str, kernel: Array, bias: str = "") -> str:
        """Add the original's convolution with ``kernel`` [N, C/group, *k]; return its output."""
        group = self.channels[source] // kernel.shape[1]
        transposed = self.candidate.convolution.transposed
        weight = self._weight(label, turned(kernel, group) if transposed else kernel)
        inputs = [source, weight, *([bias] if bias else [])]
        output = self._node(self.node.op_type, label, inputs)
        made = self.nodes[-1]
        made.attribute.extend(a for a in self.node.attribute if a.name not in OWN)
        if refused(made, self.candidate.convolution):
            write_pads(made, self.candidate.convolution)
        self._shape(made, kernel, group)
        self.channels[output] = len(kernel)
        return output

    def pointwise(self, label: str, source: str, kernel: Array, bias: str = "") -> str:
        """Add a pointwise convolution with ``kernel`` [N, C/group, 1, ...]; return its output."""
        inputs = [source, self._weight(label, kernel), *([bias] if bias else [])]
        output = self._node("Conv", label, inputs)
        self._shape(self.nodes[-1], kernel, self.channels[source] // kernel.shape[1])
        self.channels[output] = len(kernel)
        return output

    def add(self, a: str, b: str, number: int) -> str:
        """Add two values of the same shape; return the sum."""
        # before opset 7 Add broadcasts differently, and ONNX Runtime does not support it
        op_type = "Add" if self.opset >= ADD_OPSET else "Sum"
        return self._node(op_type, f"add_{number}", [a, b])

    def concat(self, parts: list[str]) -> str:
        """Concatenate the channels of all parts; return the result."""
        output = self._node("Concat", "concat", parts)
        self.nodes[-1].attribute.append(helper.make_attribute("axis", 1))
        self.channels[output] = sum(self.channels[part] for part in parts)
        return output

    @property
    def replaced(self) -> list[str]:
        """Inputs of the original."""
        return list(self.node.input)

    def finish(self, ir_version: int) -> None:
        """Write to the original's output, keep its documentation, and mark the nodes."""
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
        """Store a weight, quantised if the original's is; return the value to convolve with."""
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
        """Store an array in ``dtype``, by default the candidate's; return its name."""
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
