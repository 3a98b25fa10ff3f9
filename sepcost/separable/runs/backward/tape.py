"""Gradients of a network's outputs, as an ONNX graph of their own.

For y = f(x) and a number v for each element of y the gradient of v·y is g(x) = J(x)ᵀ·v. A tape
goes through the layers from the last to the first; a rule of each operator (``rules``) turns
the gradient of what a layer writes into that of what it reads. What rules need of the network
itself, activations and weights, is fed: the network's own graph stays as it is.

Where an operator has no rule everything before it is without a gradient, and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sepcost.network import Attribute, Layer, Role, Value
from sepcost.separable.runs.activations import exposing

OPSET = 20  # knows sums in ScatterElements, axes of reductions as an input, and Gelu
SEED = "seed/"
FLOATS = frozenset({"float32", "float16", "float64"})
QUANTISERS = frozenset(
    {"Quant", "BipolarQuant", "Trunc"}
)  # of QONNX: gradients go straight through
STEERING = frozenset({"int64", "bool", "string"})  # shapes, places, conditions: no gradient flows


class NoGradient(Exception):  # noqa: N818 - no error: the walk goes on without
    """A layer whose gradient is not known."""


@dataclass(slots=True, eq=False)
class Tape:
    """Nodes of the backward graph, as they come."""

    values: Mapping[str, Value]
    stored: Callable[[str], NDArray[Any] | None]  # content of a small stored tensor
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[TensorProto] = field(default_factory=list)
    opset: int = OPSET  # of the network
    fed: dict[str, str] = field(default_factory=dict)  # values of the network -> inputs here

    def add(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Append a node; return the name of its first output."""
        return self.several(1, op_type, *inputs, **attributes)[0]

    def several(self, count: int, op_type: str, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node of several outputs."""
        names = [f"{len(self.nodes)}/{k}" for k in range(count)]
        self.nodes.append(helper.make_node(op_type, inputs, names, **attributes))
        return names

    def value(self, name: str) -> str:
        """Ask for a value of the network, as float32.

        Raises
        ------
        NoGradient
            It is no float.
        """
        known = self.values.get(name)
        if known is None or known.dtype not in FLOATS:
            raise NoGradient(name)
        return self.fed.setdefault(name, f"value/{len(self.fed)}")

    def operand(self, name: str) -> str:
        """Ask for a value of the network in its own type: places, sizes, conditions.

        Raises
        ------
        NoGradient
            It has no type that can be fed.
        """
        stored = self.stored(name)
        if stored is not None and stored.dtype.kind in "iu":
            return self.constant(stored)
        known = self.values.get(name)
        if known is None or _element_type(known) == TensorProto.UNDEFINED:
            raise NoGradient(name)
        return self.fed.setdefault(name, f"value/{len(self.fed)}")

    def constant(self, array: NDArray[Any] | float) -> str:
        """Store a number, or an array of them."""
        wide = np.asarray(array)
        kept = wide.astype(np.int64 if wide.dtype.kind in "iu" else np.float32)
        name = f"constant/{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(kept, name))
        return name

    def like(self, gradient: str, name: str) -> str:
        """Give a gradient the shape that a value of the network has."""
        return self.add("Reshape", gradient, self.add("Shape", self.value(name)))

    def narrowed(self, layer: Layer, position: int, gradient: str) -> str | None:
        """Sum a gradient over the axes along which an input was repeated; None for weights."""
        if position in layer.weights:
            return None
        own, whole = layer.inputs[position], layer.outputs[0]
        own = (1,) * (len(whole) - len(own)) + own
        axes = [k for k, (a, b) in enumerate(zip(own, whole, strict=True)) if a != b]
        if axes:
            gradient = self.add("ReduceSum", gradient, self.constant(np.array(axes)), keepdims=1)
        if len(layer.inputs[position]) < len(whole):
            gradient = self.like(gradient, layer.reads[position])
        return gradient

    def model(self, outputs: Iterable[str], results: Sequence[str]) -> onnx.ModelProto:
        """The graph so far, less what the results do not need; it takes seeds and values."""
        opset = helper.make_opsetid("", OPSET)
        graph = helper.make_graph(self.nodes, "backward", [], [], self.tensors)
        made = exposing(helper.make_model(graph, ir_version=9, opset_imports=[opset]), results)
        read = {name for node in made.graph.node for name in node.input}
        types = dict.fromkeys((SEED + name for name in outputs), TensorProto.FLOAT)
        types |= {at: _element_type(self.values[name]) for name, at in self.fed.items()}
        made.graph.input.extend(
            helper.make_tensor_value_info(name, type_, None)
            for name, type_ in types.items()
            if name in read
        )
        return made


def _element_type(value: Value) -> TensorProto.DataType:
    """Floats are fed as float32, integers and conditions as they are."""
    if value.dtype in FLOATS:
        return TensorProto.FLOAT
    names: dict[str, TensorProto.DataType] = dict(TensorProto.DataType.items())
    return names.get(value.dtype.upper(), TensorProto.UNDEFINED)


#: Gradients, one for each value of a layer; None: none, or none needed.
Grads = Sequence[str | None]

#: Gradients of what a layer reads, from those of what it writes.
Rule = Callable[[Tape, Layer, Grads], Grads]


def first(given: Grads) -> str:
    """Gradient of the first output, where it has one.

    Raises
    ------
    NoGradient
        It has none.
    """
    if given[0] is None:
        raise NoGradient
    return given[0]


def number(layer: Layer, name: str, default: float) -> float:
    """Read an attribute that is a number."""
    value: Attribute = layer.attributes.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def backward(
    layers: Sequence[Layer],
    tape: Tape,
    outputs: Iterable[str],
    wanted: Sequence[str],
    rules: Mapping[str, Rule],
) -> dict[str, str]:
    """Go through a network from its end; return the gradients of what is wanted and reached.

    Parameters
    ----------
    layers
        Of the main graph, in execution order.
    tape
        Takes the nodes.
    outputs
        Values that seeds are given for, as ``SEED`` and the name.
    wanted
        Values; those behind an operator without a rule are left out.
    rules
        By op_type.
    """
    grads: dict[str, list[str]] = defaultdict(list)
    for name in outputs:
        grads[name].append(SEED + name)
    spoiled: set[str] = set()
    for layer in reversed(_downstream(layers, wanted)):
        _step(layer, tape, rules, grads, spoiled)
    reached = [name for name in wanted if grads[name] and name not in spoiled]
    return {name: _total(tape, grads[name]) for name in reached}


def _downstream(layers: Sequence[Layer], wanted: Sequence[str]) -> list[Layer]:
    """The layers that what is wanted leads to; gradients of all others lead nowhere."""
    alive = set(wanted)
    kept = []
    for layer in layers:
        if alive.intersection(layer.reads):
            alive.update(layer.writes)
            kept.append(layer)
    return kept


def _step(
    layer: Layer,
    tape: Tape,
    rules: Mapping[str, Rule],
    grads: dict[str, list[str]],
    spoiled: set[str],
) -> None:
    """Lead the gradients through one layer; where it cannot be done, what it reads is spoiled."""
    given = [_total(tape, grads[name]) if grads[name] else None for name in layer.writes]
    read = [name for name in layer.reads if _carries(tape.values.get(name))]
    if spoiled.intersection(layer.writes):
        spoiled.update(read)
    if not any(given):
        return
    ruled = layer.domain in {"", "ai.onnx"} or layer.op_type in QUANTISERS
    rule = rules.get(layer.op_type, _unruled) if ruled else _unruled
    mark = len(tape.nodes)
    try:
        found = rule(tape, layer, given)
    except NoGradient:
        del tape.nodes[mark:]
        spoiled.update(read)
        return
    for name, gradient in zip(layer.reads, found, strict=False):
        if gradient is not None and name in read:
            grads[name].append(gradient)


def _carries(value: Value | None) -> bool:
    """Whether a gradient can flow through a value; it flows straight through quantised ones."""
    return value is not None and moves(value) and value.dtype not in STEERING


def _unruled(tape: Tape, layer: Layer, given: Grads) -> Grads:
    raise NoGradient


def moves(value: Value | None) -> bool:
    """Whether a value depends on what the network is fed."""
    return value is not None and value.role in {Role.INPUT, Role.ACTIVATION}


def _total(tape: Tape, parts: list[str]) -> str:
    if len(parts) > 1:
        parts[:] = [tape.add("Sum", *parts)]
    return parts[0]
