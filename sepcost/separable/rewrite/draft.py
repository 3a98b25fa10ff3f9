"""The nodes and weights that replace one convolution.

The parts of a 1-D convolution may be written in 2-D, which some runtimes compute faster.
If the original runs in integers, so do the parts: the values between them are quantised like its
input, with ranges that were observed, or else the widest that the weights allow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from onnx import helper

from sepcost.model.tensors import Array
from sepcost.model.values import text
from sepcost.separable.find.candidates import Candidate, bias, turned
from sepcost.separable.find.mark import mark
from sepcost.separable.find.storage import Activations, largest_level
from sepcost.separable.rewrite.padding import refused, write_pads
from sepcost.separable.rewrite.weights import Weights

#: Attributes of a convolution that each part sets itself.
OWN = frozenset({"group", "kernel_shape"})

#: First opset with today's broadcasting of Add.
ADD_OPSET = 7

#: First opset whose Squeeze and Unsqueeze read their axes.
AXES_OPSET = 13

#: The axis that makes 1-D activations [N, C, L] 2-D.
LIFTED_AXIS = 2

#: Attributes of a convolution with one number per axis, and that of an axis of one element.
FIRST = {"strides": 1, "dilations": 1, "output_padding": 0, "output_shape": 1}

#: Smallest and largest number of a value.
Range = tuple[float, float]

#: Ranges by label of the part that makes the value.
Ranges = Mapping[str, Range]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value between the parts."""

    channels: int
    label: str = ""
    range: Range = (0.0, 0.0)  # the widest possible, if the convolution runs in integers
    scale: float = 1.0


@dataclass(slots=True)
class Replacement:
    """Nodes and weights of one replacement, built step by step.

    ``unique`` turns a wanted name into a free one; ``ranges`` are those of the values between the
    parts, which stay float if ``observable``.
    """

    candidate: Candidate
    node: onnx.NodeProto
    unique: Callable[[str], str]
    opset: int
    stored: dict[str, str] = field(default_factory=dict)
    ranges: Ranges = field(default_factory=dict)
    observable: bool = False
    lifted: bool = False  # a 1-D convolution whose parts are 2-D, with kernels 1×k
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    inner: dict[str, str] = field(default_factory=dict)  # values between the parts, by label
    source: str = field(init=False)  # the input of the parts
    weights: Weights = field(init=False)
    _values: dict[str, _Value] = field(default_factory=dict)
    _quantized: dict[str, str] = field(default_factory=dict)
    _offset: Array | None = None  # the bias, if it is to be quantised

    def __post_init__(self) -> None:
        """Start from the original's input."""
        candidate = self.candidate
        self.weights = Weights(
            self.name, candidate.dtype, self.opset, self.unique, candidate.stored,
            self.node.domain, largest_level(candidate.weight_of, candidate.stored),
            self.stored, nodes=self.nodes,
        )  # fmt: skip
        self.source = self.node.input[candidate.data_at]
        if self.lifted:
            self.source = self._shaped("Unsqueeze", self.source)
        channels, how = candidate.convolution.in_channels, candidate.activations
        first = _Value(channels, "", how.range, how.scale) if how else _Value(channels)
        self._values[self.source] = first

    @property
    def name(self) -> str:
        """The original's name, else that of its output."""
        return text(self.node.name) or text(self.node.output[0])

    @property
    def tensors(self) -> list[onnx.TensorProto]:
        """The new weights."""
        return self.weights.tensors

    def bias(self, fitted: Array | None) -> str:
        """Name of the bias: the fitted one, else the original's, else empty."""
        if self.candidate.activations is not None:
            self._offset = bias(self.candidate) if fitted is None else fitted
            return "" if self._offset is None else "bias"
        if fitted is not None:
            return self.weights.tensor("bias", fitted)
        return self.node.input[2] if len(self.node.input) > 2 else ""

    def spatial(self, label: str, source: str, kernel: Array, bias: str = "") -> str:
        """Add the original's convolution with ``kernel`` [N, C/group, *k]; return its output."""
        output = self._convolved(self.node.op_type, label, source, kernel, bias)
        made = self.nodes[-1]
        made.attribute.extend(a for a in self.node.attribute if a.name not in OWN)
        if refused(made, self.candidate.convolution):
            write_pads(made, self.candidate.convolution)
        for attribute in made.attribute if self.lifted else ():
            if attribute.name not in OWN:
                widen(attribute)
        return output

    def pointwise(self, label: str, source: str, kernel: Array, bias: str = "") -> str:
        """Add a pointwise convolution with ``kernel`` [N, C/group, 1, ...]; return its output."""
        return self._convolved("Conv", label, source, kernel, bias)

    def add(self, a: str, b: str, number: int) -> str:
        """Add two values of the same shape; return the sum."""
        # before opset 7 Add broadcasts differently, and ONNX Runtime does not support it
        op_type = "Add" if self.opset >= ADD_OPSET else "Sum"
        values = [self._values[name] for name in (a, b)]
        low, high = (sum(ends) for ends in zip(*(one.range for one in values), strict=True))
        label = f"add_{number}"
        output = self.make(op_type, label, [self._read(a), self._read(b)])
        return self._made(output, _Value(values[0].channels, label, (low, high)))

    def concat(self, parts: list[str]) -> str:
        """Concatenate the channels of all parts; return the result."""
        output = self.make("Concat", "concat", [self._read(part) for part in parts])
        self.nodes[-1].attribute.append(helper.make_attribute("axis", 1))
        values = [self._values[part] for part in parts]
        ends = [one.range for one in values]
        whole = min(low for low, _ in ends), max(high for _, high in ends)
        channels = sum(one.channels for one in values)
        return self._made(output, _Value(channels, "concat", whole))

    @property
    def replaced(self) -> list[str]:
        """Inputs of the original."""
        return list(self.node.input)

    def finish(self, ir_version: int) -> None:
        """Write to the original's output, keep its documentation, and mark the nodes."""
        if self.lifted:
            self._shaped("Squeeze", self.nodes[-1].output[0])
        last = self.nodes[-1]
        self.inner = {k: name for k, name in self.inner.items() if name != last.output[0]}
        last.output[0] = self.node.output[0]
        last.doc_string = self.node.doc_string
        last.metadata_props.extend(self.node.metadata_props)
        for node in self.nodes:
            mark(node, self.name, ir_version)

    def _convolved(self, op_type: str, label: str, source: str, kernel: Array, bias: str) -> str:
        """Add one part."""
        before = self._values[source]
        group = before.channels // kernel.shape[1]
        read, before = self._read(source), self._values[source]
        if self.lifted:
            kernel = kernel[:, :, None]
        transposed = op_type == "ConvTranspose"
        weight = self.weights.weight(label, turned(kernel, group) if transposed else kernel)
        if bias and self._offset is not None and self.candidate.activations is not None:
            scale = before.scale * (np.ones(()) if weight.scale is None else weight.scale)
            bias = self.weights.bias(self._offset, scale)
        output = self.make(op_type, label, [read, weight.value, *([bias] if bias else [])])
        self.nodes[-1].attribute.append(helper.make_attribute("kernel_shape", kernel.shape[2:]))
        self.nodes[-1].attribute.append(helper.make_attribute("group", group))
        return self._made(output, _Value(len(kernel), label, _reach(kernel, before.range)))

    def _made(self, output: str, value: _Value) -> str:
        self._values[output] = value
        self.inner[value.label] = output
        return output

    def _read(self, name: str) -> str:
        """The value as a part reads it: quantised and dequantised if the parts run in integers."""
        how, value = self.candidate.activations, self._values[name]
        if how is None or self.observable or name == self.source:
            return name
        if name not in self._quantized:
            scale, zero = levels(self.ranges.get(value.label, value.range), how)
            names = [
                self.weights.tensor(f"{value.label}/scale", np.array(scale)),
                self.weights.tensor(f"{value.label}/zero_point", np.array(zero), how.dtype),
            ]
            between = self.make("QuantizeLinear", f"{value.label}/quantize", [name, *names])
            self.nodes[-1].domain = how.domain or self.node.domain
            wide = self.make("DequantizeLinear", f"{value.label}/dequantize", [between, *names])
            self.nodes[-1].domain = how.domain or self.node.domain
            self._quantized[name] = wide
            self._values[name] = replace(value, scale=float(np.float32(scale)))
        return self._quantized[name]

    def _shaped(self, op_type: str, value: str) -> str:
        """Add or remove an axis of one element before the last."""
        axes = [LIFTED_AXIS]
        if self.opset >= AXES_OPSET:
            name = self.weights.tensor("axes", np.array(axes), "int64")
            return self.make(op_type, op_type.lower(), [value, name])
        output = self.make(op_type, op_type.lower(), [value])
        self.nodes[-1].attribute.append(helper.make_attribute("axes", axes))
        return output

    def make(self, op_type: str, label: str, inputs: list[str]) -> str:
        """Add a node; return its output."""
        name = self.unique(f"{self.name}/{label}")
        output = self.unique(f"{name}/output")
        node = onnx.NodeProto(op_type=op_type, name=name, input=inputs, output=[output])
        node.domain = self.node.domain
        self.nodes.append(node)
        return output


def widen(attribute: onnx.AttributeProto) -> None:
    """Extend a 1-D convolution's attribute to 2-D, with a first axis of one element."""
    if attribute.name in FIRST:
        attribute.ints.insert(0, FIRST[attribute.name])
    elif attribute.name == "pads":
        before, after = attribute.ints
        attribute.ints[:] = [0, before, 0, after]


def levels(range_: Range, how: Activations) -> tuple[float, int]:
    """Scale and zero point for a range, widened to hold zero; symmetric like the input's."""
    low, high = min(range_[0], 0.0), max(range_[1], 0.0)
    smallest, largest = how.limits
    if how.symmetric:
        return max(-low, high) / largest or 1.0, 0
    scale = (high - low) / (largest - smallest) or 1.0
    return scale, int(np.clip(np.rint(smallest - low / scale), smallest, largest))


def _reach(kernel: Array, range_: Range) -> Range:
    """The widest range of Σ w·x over x within ``range_`` or zero."""
    low, high = min(range_[0], 0.0), max(range_[1], 0.0)
    rows = kernel.reshape(len(kernel), -1)
    up, down = np.maximum(rows, 0).sum(1), np.minimum(rows, 0).sum(1)
    return float((up * low + down * high).min()), float((up * high + down * low).max())
