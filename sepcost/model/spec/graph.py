"""An ONNX graph under construction: nodes, seeded weights, and the shape of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any
from zlib import crc32

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sepcost.errors import SpecError
from sepcost.network import Shape

OPSET = 17
IR_VERSION = 8
SEED = 0
#: Limits on the size of a network.
MAX_NODES = 20_000
MAX_EDGES = 200_000
MAX_ELEMENTS = 2**40
MAX_WEIGHT_BYTES = 2**31 - 2**20  # a protobuf message ends at 2 GiB
#: The data file of weights in a graph without weights; it never exists.
NOWHERE = "weights-left-out"


class LimitError(SpecError):
    """The spec exceeds a limit."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value of the graph: its name, its shape without the batch, its expected power."""

    name: str
    shape: Shape
    power: float = 1.0

    @property
    def channels(self) -> int:
        """The number of channels, or of features if it is flat."""
        return self.shape[0]

    @property
    def axes(self) -> int:
        """The number of spatial axes."""
        return len(self.shape) - 1


class Graph:
    """Collects nodes and initializers.

    Random weights give each convolution outputs of variance 1 for inputs of the expected power.
    After a ReLU this is the rule of He et al. 2015, variance 2 / fan_in; after a sum it keeps the
    activations of residual networks bounded.
    """

    def __init__(self, *, weights: bool) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.read: set[str] = set()
        self.weight_bytes = 0
        self.edges = 0

    def node(self, op_type: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Append a node whose only output has its name; return that name."""
        if len(self.nodes) >= MAX_NODES:
            raise LimitError(f"the spec unrolls to more than {MAX_NODES} nodes")
        self.nodes.append(helper.make_node(op_type, inputs, [name], name=name, **attributes))
        self.read.update(inputs)
        self.edges += len(inputs)
        if self.edges > MAX_EDGES:
            raise LimitError(f"the spec unrolls to more than {MAX_EDGES} connections")
        return name

    def tensor(self, name: str, shape: Shape, power: float = 1.0) -> Tensor:
        """Describe an output, within limits."""
        if prod(shape) > MAX_ELEMENTS:
            raise LimitError(f"a tensor of {'x'.join(map(str, shape))} is too large")
        return Tensor(name, shape, min(max(power, 1e-6), 1e6))  # 20,000 consecutive sums overflow

    def weight(self, name: str, shape: Shape, mean: float = 0.0, deviation: float = 1.0) -> str:
        """Add a float32 weight with normally distributed values, or without values."""
        if prod(shape) > MAX_ELEMENTS:
            raise LimitError(f"a weight of {'x'.join(map(str, shape))} is too large")
        self.weight_bytes += 4 * prod(shape)
        if not self.weights:
            self.initializers[name] = _reference(name, shape)
            return name
        if self.weight_bytes > MAX_WEIGHT_BYTES:
            raise LimitError("more than 2 GiB of weights do not fit in one ONNX file")
        random = np.random.default_rng([SEED, crc32(name.encode())])
        values = random.standard_normal(shape, dtype=np.float32)
        values *= np.float32(deviation)
        values += np.float32(mean)
        self.initializers[name] = numpy_helper.from_array(values, name)
        return name

    def constant(self, name: str, value: float) -> str:
        """Add a scalar that controls an operator; it has a value even without weights."""
        self.initializers[name] = numpy_helper.from_array(np.array(value, np.float32), name)
        return name

    def model(
        self, name: str, source: Tensor, result: Tensor, batch: int | str, description: str
    ) -> onnx.ModelProto:
        """Return the model of the finished graph."""
        graph = helper.make_graph(
            self.nodes,
            name,
            [_declare(source, batch)],
            [_declare(result, batch)],
            list(self.initializers.values()),
            doc_string=description,
        )
        return helper.make_model(
            graph,
            producer_name="sepcost",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )


def _declare(tensor: Tensor, batch: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, [batch, *tensor.shape])


def _reference(name: str, shape: Shape) -> TensorProto:
    tensor = TensorProto(
        name=name,
        dims=shape,
        data_type=TensorProto.FLOAT,
        data_location=TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value=NOWHERE)
    return tensor
