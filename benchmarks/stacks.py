"""Small networks to measure: stacks of convolutions with seeded weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sepcost.latency.jobs import ModelFile
from sepcost.network import Role, Value

Layer = Callable[["Stack", str], str]


@dataclass(slots=True)
class Stack:
    """A model that grows node by node, ``channels`` wide throughout."""

    channels: int
    size: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def conv(self, x: str, inputs: int, kernel: int) -> str:
        """Add a 'same' convolution over ``inputs`` channels that keeps values in range."""
        shape = (self.channels, inputs, kernel, kernel)
        weight = self.random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(weight.astype(np.float32), name))
        group = self.channels // inputs
        return self._add("Conv", [x, name], group=group, pads=[kernel // 2] * 4)

    def relu(self, x: str) -> str:
        """Add an activation."""
        return self._add("Relu", [x])

    def _add(self, op_type: str, inputs: list[str], **attributes: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [output], **attributes))
        return output


def regular(stack: Stack, x: str) -> str:
    """Add a 3×3 convolution and an activation."""
    return stack.relu(stack.conv(x, stack.channels, 3))


def separable(stack: Stack, x: str) -> str:
    """Add its separable twin with an activation after each convolution, as in MobileNet."""
    return stack.relu(stack.conv(stack.relu(stack.conv(x, 1, 3)), stack.channels, 1))


def write(path: Path, layers: Sequence[Layer], channels: int, size: int) -> ModelFile:
    """Write a stack; its input is ``x``."""
    stack, last, shape = Stack(channels, size), "x", (1, channels, size, size)
    for layer in layers:
        last = layer(stack, last)
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in ("x", last)]
    graph = helper.make_graph(stack.nodes, path.stem, ends[:1], ends[1:], stack.weights)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return named(path, shape)


def named(path: Path, shape: tuple[int, ...]) -> ModelFile:
    """Describe a file with one input ``x`` for the measurement."""
    return ModelFile(path.stem, path, (Value("x", shape, "float32", Role.INPUT),))
