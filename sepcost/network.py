"""The network: a described model, which every command reads.

Plain data; no ONNX object is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod

Shape = tuple[int, ...]
Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]

#: Placeholder for an omitted input or an unknown shape (see ``Layer.missing``).
ABSENT: Shape = (0,)

#: Bits of one element; strings and opaque types have no fixed size and count as 0.
BITS: Mapping[str, int] = {
    "float64": 64, "int64": 64, "uint64": 64, "complex64": 64, "complex128": 128,
    "float32": 32, "int32": 32, "uint32": 32,
    "float16": 16, "bfloat16": 16, "int16": 16, "uint16": 16,
    "int8": 8, "uint8": 8, "bool": 8,
    "float8e4m3fn": 8, "float8e4m3fnuz": 8, "float8e5m2": 8, "float8e5m2fnuz": 8, "float8e8m0": 8,
    "float6e2m3": 6, "float6e3m2": 6, "int4": 4, "uint4": 4, "float4e2m1": 4, "int2": 2, "uint2": 2,
}  # fmt: skip


class Role(StrEnum):
    """The role of a value in the network."""

    INPUT = "input"
    ACTIVATION = "activation"
    WEIGHT = "weight"  # independent of the graph inputs; its elements are params
    CONSTANT = "constant"  # as WEIGHT, but its elements are not params: a shape, an axis, a scale


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor. ``name`` is unique: in subgraphs it starts with the path of the graph."""

    name: str
    shape: Shape | None
    dtype: str
    role: Role
    logical: int | None = None  # number of elements, if the stored ones pack several each

    @property
    def elements(self) -> int | None:
        """The number of elements; None if the shape is unknown."""
        if self.logical is not None:
            return self.logical
        return None if self.shape is None else prod(self.shape)

    @property
    def size_bytes(self) -> int | None:
        """The size in bytes, with sub-byte types packed; None if the shape is unknown."""
        return None if self.shape is None else -(-prod(self.shape) * BITS.get(self.dtype, 0) // 8)


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of an If, around a layer."""

    choice: str  # id of the If
    side: str  # "then" or "else"


@dataclass(frozen=True, slots=True)
class Layer:
    """One node. ``id`` is unique (its first output after the path of the graph); ``name`` is not.

    ``name`` is the node's own, or made from ``module`` if an exporter generated the node's own.
    ``inputs`` and ``outputs`` are shapes in the order of the operator's definition, with ``ABSENT``
    where one is left out or unknown.
    """

    id: str
    name: str
    op_type: str
    domain: str
    scope: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    weights: frozenset[int] = frozenset()  # positions of inputs independent of the graph inputs
    parameters: tuple[str, ...] = ()  # names in ``Network.parameters`` that these inputs contain
    reads: tuple[str, ...] = ()  # names in ``Network.values``, "" where left out
    writes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  # why shapes are unknown; empty if all are static
    trips: int | None = 1  # how often it runs; None if that depends on data
    branches: tuple[Branch, ...] = ()  # outermost If first
    module: str = ""  # dotted path of the module that it comes from, if the model tells
    node: str = ""  # the node's own name
    path: str = ""  # as the scope, with functions by the names of their calls


@dataclass(frozen=True, slots=True)
class Network:
    """The layers of one model in execution order, and the values between them."""

    name: str
    layers: tuple[Layer, ...]
    values: Mapping[str, Value] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    inputs: tuple[Value, ...] = ()
    outputs: tuple[str, ...] = ()
    opsets: Mapping[str, int] = field(default_factory=dict)
    bindings: Mapping[str, int] = field(default_factory=dict)
    batch: int | None = None  # what the dynamic leading dimension of the inputs is bound to
    choices: Mapping[str, str | None] = field(default_factory=dict)  # If id -> branch that runs
    dead_weights: tuple[Value, ...] = ()  # initializers that no node reads
    warnings: tuple[str, ...] = ()
    ir_version: int | None = None  # of the file format; None if there is no model
