"""A random graph under construction, which blocks read and extend."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]

#: Deeper nesting finds no further errors.
MAX_DEPTH = 2


class Place(StrEnum):
    """The place of nodes; a function cannot hold initializers."""

    GRAPH = "graph"
    BODY = "body"  # the body of an If, Loop or Scan
    FUNCTION = "function"


@dataclass
class House:
    """State shared by all graphs of one model."""

    opset: int
    ir_version: int
    dtype: np.dtype[Any]
    random: np.random.Generator
    count: int = 0
    quantized: bool = False
    halved: bool = False  # a weight is stored in half precision
    functions: list[onnx.FunctionProto] = field(default_factory=list)
    overridable: list[onnx.ValueInfoProto] = field(default_factory=list)

    @property
    def element(self) -> int:
        """ONNX's number of the model's element type."""
        return int(helper.np_dtype_to_tensor_dtype(self.dtype))

    @property
    def opsets(self) -> list[onnx.OperatorSetIdProto]:
        """The opset imports of the model and of each function."""
        local = [helper.make_opsetid("local", 1)] if self.ir_version >= 8 else []
        return [helper.make_opsetid("", self.opset), *local]

    def name(self, stem: str) -> str:
        """Return a name that is unique in the model."""
        self.count += 1
        return f"{stem}{self.count}"

    def noise(self, *shape: int, scale: float = 1.0) -> Array:
        """Draw numbers that float16 can represent, so that a Cast loses nothing."""
        values = self.random.standard_normal(shape) * scale
        return values.astype(np.float16).astype(self.dtype)


@dataclass
class Draft:
    """One graph, body or function; ``value`` of ``shape`` is the input of the next block."""

    house: House
    draw: st.DrawFn
    value: str
    shape: tuple[int, ...]  # batch, channels, spatial axes
    place: Place = Place.GRAPH
    keep: bool = False  # whether blocks must keep the shape
    depth: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """Number of channels of the value."""
        return self.shape[1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the spatial axes of the value."""
        return self.shape[2:]

    @property
    def bare(self) -> bool:
        """Whether this place cannot hold initializers: functions and old subgraphs."""
        old = self.house.ir_version < 4 and self.place is Place.BODY
        return old or self.place is Place.FUNCTION

    def node(self, op_type: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Add a node; return the names of its outputs."""
        names = [self.house.name("v") for _ in range(outputs)]
        name = self.house.name(op_type.lower())
        self.nodes.append(helper.make_node(op_type, inputs, names, name, **attributes))
        return names

    def then(self, op_type: str, *inputs: str, **attributes: Any) -> None:
        """Add a node that reads the value and writes the next value."""
        (self.value,) = self.node(op_type, self.value, *inputs, **attributes)

    def stored(self, array: Array, stem: str = "w") -> str:
        """Store a constant as this place allows."""
        if self.bare:
            tensor = numpy_helper.from_array(array)
            return self.node("Constant", value=tensor)[0]
        name = self.house.name(stem)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def inner(self, place: Place, value: str) -> Draft:
        """Begin a subgraph that starts with ``value`` and keeps its shape."""
        depth = self.depth + 1
        return Draft(self.house, self.draw, value, self.shape, place, keep=True, depth=depth)

    def branch(self) -> Draft:
        """Begin a branch within this graph; its nodes go to the same lists."""
        return Draft(
            self.house, self.draw, self.value, self.shape, self.place, keep=True,
            depth=self.depth + 1, nodes=self.nodes, initializers=self.initializers,
        )  # fmt: skip

    def closed(self, value: str) -> str:
        """Return a value that a node of this graph writes: outputs must not be inputs."""
        if any(value in node.output for node in self.nodes):
            return value
        return self.node("Identity", value)[0]
