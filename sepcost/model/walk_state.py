"""State while a model is described: scopes of names, and the layers collected so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import onnx
from onnx import TypeProto

from sepcost.errors import ModelError
from sepcost.model import modules
from sepcost.model.graphs import STANDARD, FunctionKey, label, node_id
from sepcost.model.packed import elements
from sepcost.model.provenance import NOT_LEARNED, weight_inputs
from sepcost.model.values import Known, text
from sepcost.network import ABSENT, Attribute, Branch, Layer, Role, Shape, Value

#: Nodes that a model may expand to; beyond, it is refused as an expansion bomb.
MAX_NODES = 200_000

#: Far deeper than exporters nest, and well within Python's recursion limit.
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Observation:
    """One node as observed in a run: the types of its outputs, and how often it ran."""

    outputs: tuple[TypeProto | None, ...]
    runs: int


@dataclass(slots=True)
class Scope:
    """The names visible in one graph, subgraph or function body."""

    prefix: str = ""
    path: str = ""  # as the prefix, with functions by the names of their calls
    opsets: Mapping[str, int] = field(default_factory=dict)
    parent: Scope | None = None
    names: dict[str, Known] = field(default_factory=dict)
    references: Mapping[str, onnx.AttributeProto] | None = None  # in a function: of the call
    trips: int | None = 1
    branches: tuple[Branch, ...] = ()
    depth: int = 0
    soft: bool = False  # it may never run, so contradictions are noted instead of refused

    def find(self, name: str) -> Known | None:
        """Look up a name here, then in the scopes outside."""
        scope: Scope | None = self
        while scope is not None:
            known = scope.names.get(name)
            if known is not None:
                return known
            scope = scope.parent
        return None

    def within(self, prefix: str, **changes: object) -> Scope:
        """Return the scope of a subgraph, which also sees the names of this one."""
        path = self.path + prefix.removeprefix(self.prefix)
        own = {"prefix": prefix, "path": path, "parent": self, "names": {}, "depth": self.depth + 1}
        changes = own | changes
        return replace(self, **changes)  # type: ignore[arg-type]

    def opset(self, domain: str) -> int:
        """Return the opset of a domain; ONNX's own domain has two spellings."""
        if domain in STANDARD:
            return self.opsets.get("", self.opsets.get("ai.onnx", 1))
        return self.opsets.get(domain, 1)


@dataclass(slots=True)
class WalkState:
    """Everything collected while walking one model."""

    source: str
    ir_version: int
    functions: Mapping[FunctionKey, onnx.FunctionProto]
    given_trips: Mapping[str, int]
    observed: Mapping[str, Observation]
    bindings: Mapping[str, int] = field(default_factory=dict)
    rebound: bool = False  # sizes were given, so shapes declared in the model may be outdated
    fed: bool = True  # the model has at least one input
    layers: list[Layer] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    parameters: dict[str, Value] = field(default_factory=dict)
    used_as_weights: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    choices: dict[str, str | None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    used_trips: set[str] = field(default_factory=set)
    visited: int = 0

    def enter(self, scope: Scope, nodes: int) -> None:
        """Refuse endless walks: a Loop is walked again while its shapes change."""
        self.visited += nodes
        if scope.depth > MAX_DEPTH:
            raise ModelError(f"{self.source}: graphs nest deeper than {MAX_DEPTH}")
        if self.visited > MAX_NODES:
            raise ModelError(f"{self.source}: expands to more than {MAX_NODES:,} nodes")

    def learn(self, known: Known) -> Known:
        """Register a stored constant as a parameter, if its type can hold learned values."""
        if known.dtype not in NOT_LEARNED and known.shape is not None:
            value = Value(known.name, known.shape, known.dtype, Role.WEIGHT)
            self.parameters[known.name] = value
            known.parameters = (known.name,)
        return known

    def record(self, known: Known, role: Role | None = None) -> None:
        """Add a value to the network."""
        role = role or (Role.CONSTANT if known.constant else Role.ACTIVATION)
        self.values[known.name] = Value(known.name, known.shape, known.dtype, role)

    def inputs(self, scope: Scope, node: onnx.NodeProto) -> list[Known | None]:
        """Look up the values that a node reads."""
        inputs: list[Known | None] = []
        for raw in node.input:
            known = (scope.names.get(raw) or scope.find(text(raw))) if raw else None
            if raw and known is None:
                raise ModelError(
                    f"{self.source}: {label(node)} reads {text(raw)!r}, which is not an"
                    " input, an initializer or the output of another node; export the model again"
                )
            if known is not None and not known.name:
                known = None  # the call of this function leaves it out
            if known is not None:
                self.read.add(known.name)
            inputs.append(known)
        return inputs

    def shown(self, scope: Scope, node: onnx.NodeProto) -> tuple[TypeProto | None, ...]:
        """Return the types of a node's outputs in the observed run; nothing if it did not run."""
        seen = self.observed.get(node_id(scope.prefix, node)) if self.observed else None
        return seen.outputs if seen else ()

    def emit(
        self,
        scope: Scope,
        node: onnx.NodeProto,
        inputs: Sequence[Known | None],
        outputs: Sequence[Known | None],
        problem: str = "",
    ) -> None:
        """Add one layer to the network and its outputs to the scope."""
        for raw, known in zip(node.output, outputs, strict=True):
            if known is not None:
                self.bind(scope, node, text(raw), known)
                self.record(known)
        layer = self.layer(scope, node, inputs, outputs, problem)
        self.layers.append(layer)
        if layer.parameters:
            self.used_as_weights.update(layer.reads[k] for k in layer.weights)
            self._unpack(layer, inputs)

    def _unpack(self, layer: Layer, inputs: Sequence[Known | None]) -> None:
        """Note the number of elements of each packed weight."""
        for position, count in elements(layer, inputs).items():
            known = inputs[position]
            if known is None or known.shape is None or position not in layer.weights:
                continue
            for name in known.parameters:
                stored = self.parameters[name]
                if prod(stored.shape or ()) == prod(known.shape):
                    self.parameters[name] = replace(stored, logical=count)

    def layer(
        self,
        scope: Scope,
        node: onnx.NodeProto,
        inputs: Sequence[Known | None],
        outputs: Sequence[Known | None],
        problem: str = "",
    ) -> Layer:
        """Describe a node as plain data.

        A node whose outputs are constant claims no parameters; the layer that uses these outputs as
        weights does. In a model without inputs everything is constant, and each node claims its
        own.
        """
        operator = domain, op_type = _operator(node)
        weights = weight_inputs(operator, inputs)
        computed = self.fed and all(known is None or known.constant for known in outputs)
        carried = {p: None for k in sorted(weights) if (i := inputs[k]) for p in i.parameters}
        module = modules.module(node, carried)
        own, every, count = text(node.name), [*inputs, *outputs], len(inputs)
        names = [known.name if known else "" for known in every]
        shapes = [_shape(known) for known in every]
        return Layer(
            id=node_id(scope.prefix, node),
            name=modules.shown_name(own, op_type, module, carried),
            op_type=op_type,
            domain=domain,
            scope=scope.prefix.rstrip("/"),
            path=scope.path.rstrip("/"),
            inputs=tuple(shapes[:count]),
            outputs=tuple(shapes[count:]),
            attributes=_plain(node),
            weights=weights,
            parameters=() if computed else tuple(carried),
            reads=tuple(names[:count]),
            writes=tuple(names[count:]),
            missing=(problem,) if problem else _missing(every) if ABSENT in shapes else (),
            trips=scope.trips,
            branches=scope.branches,
            module=module,
            node=own,
        )

    def bind(self, scope: Scope, node: onnx.NodeProto, name: str, known: Known) -> None:
        """Give a value a name in this scope."""
        if name in scope.names:
            raise ModelError(
                f"{self.source}: {label(node)} writes {name!r}, which is already written;"
                " export the model again"
            )
        if name:
            scope.names[name] = known


def _operator(node: onnx.NodeProto) -> tuple[str, str]:
    return "" if node.domain in STANDARD else text(node.domain), text(node.op_type)


def _shape(known: Known | None) -> Shape:
    shape = None if known is None else known.shape
    return ABSENT if shape is None else shape


def _missing(values: Sequence[Known | None]) -> tuple[str, ...]:
    unknown = [known for known in values if known is not None and known.shape is None]
    whats = {True: "has no static shape", False: "is not a tensor"}
    return tuple(f"{known.name} {whats[_is_tensor(known)]}" for known in unknown)


def _is_tensor(known: Known) -> bool:
    return known.type.WhichOneof("value") in {None, "tensor_type", "sparse_tensor_type"}


def _plain(node: onnx.NodeProto) -> dict[str, Attribute]:
    """The attributes that formulas read: numbers, strings, and tuples of them."""
    return {text(a.name): _READ[a.type](a) for a in node.attribute if a.type in _READ}


_READ: Mapping[int, Callable[[onnx.AttributeProto], Attribute]] = {
    onnx.AttributeProto.INT: lambda a: a.i,
    onnx.AttributeProto.INTS: lambda a: tuple(a.ints),
    onnx.AttributeProto.FLOAT: lambda a: a.f,
    onnx.AttributeProto.FLOATS: lambda a: tuple(a.floats),
    onnx.AttributeProto.STRING: lambda a: text(a.s),
    onnx.AttributeProto.STRINGS: lambda a: tuple(map(text, a.strings)),
}
