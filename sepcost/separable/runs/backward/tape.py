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

OPSET = 18  # knows sums in ScatterElements, and axes of ReduceSum as an input
SEED = "seed/"
FLOATS = frozenset({"float32", "float16", "float64"})


class NoGradient(Exception):  # noqa: N818 - no error: the walk goes on without
    """A layer whose gradient is not known."""


@dataclass(slots=True, eq=False)
class Tape:
    """Nodes of the backward graph, as they come."""

    values: Mapping[str, Value]
    stored: Callable[[str], NDArray[Any] | None]  # content of a small stored tensor
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[TensorProto] = field(default_factory=list)
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

    def model(self, outputs: Iterable[str], results: Sequence[str]) -> onnx.ModelProto:
        """The graph so far, less what the results do not need; it takes seeds and values."""
        opset = helper.make_opsetid("", OPSET)
        graph = helper.make_graph(self.nodes, "backward", [], [], self.tensors)
        made = exposing(helper.make_model(graph, ir_version=8, opset_imports=[opset]), results)
        read = {name for node in made.graph.node for name in node.input}
        names = [*(SEED + name for name in outputs), *self.fed.values()]
        made.graph.input.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in names
            if name in read
        )
        return made


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
    read = [name for name in layer.reads if moves(tape.values.get(name))]
    if spoiled.intersection(layer.writes):
        spoiled.update(read)
    if not any(given):
        return
    rule = rules.get(layer.op_type, _unruled) if layer.domain in {"", "ai.onnx"} else _unruled
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


def _unruled(tape: Tape, layer: Layer, given: Grads) -> Grads:
    raise NoGradient


def moves(value: Value | None) -> bool:
    """Whether a value depends on what the network is fed."""
    return value is not None and value.role in {Role.INPUT, Role.ACTIVATION}


def _total(tape: Tape, parts: list[str]) -> str:
    if len(parts) > 1:
        parts[:] = [tape.add("Sum", *parts)]
    return parts[0]
