"""Gradients of a network's outputs, as a separate ONNX graph.

For y = f(x) and a weight v per element of y, the gradient of v·y is g(x) = J(x)ᵀ·v. The layers
are visited from last to first; the rule of each operator (``rules``) turns the gradients of a
layer's outputs into those of its inputs. Activations and weights of the network that rules need
are fed to the graph, so the network itself stays unchanged.

Values before an operator without a rule get no gradient.
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
from sepcost.separable.runs.cuts import cut

OPSET = 20  # ScatterElements can add, reductions take axes as an input, and Gelu exists
SEED = "seed/"
FLOATS = frozenset({"float32", "float16", "float64"})
#: Quantisers of QONNX: gradients pass straight through.
QUANTISERS = frozenset({"Quant", "BipolarQuant", "Trunc"})
#: Types of shapes, indices and conditions, which carry no gradient.
STEERING = frozenset({"int64", "bool", "string"})


class NoGradient(Exception):  # noqa: N818 - not an error: the layer is left out
    """The gradient of a layer is unknown."""


@dataclass(slots=True, eq=False)
class Tape:
    """The backward graph under construction."""

    values: Mapping[str, Value]
    stored: Callable[[str], NDArray[Any] | None]  # content of a small initializer
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[TensorProto] = field(default_factory=list)
    opset: int = OPSET  # of the network
    fed: dict[str, str] = field(default_factory=dict)  # the network's values -> graph inputs
    stops: dict[str, str] = field(default_factory=dict)  # values -> operator that passes none on

    def add(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Append a node; return the name of its first output."""
        return self.several(1, op_type, *inputs, **attributes)[0]

    def several(self, count: int, op_type: str, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node with several outputs; return their names."""
        names = [f"{len(self.nodes)}/{k}" for k in range(count)]
        self.nodes.append(helper.make_node(op_type, inputs, names, **attributes))
        return names

    def value(self, name: str) -> str:
        """Return the graph input that is fed a value of the network, as float32.

        Raises
        ------
        NoGradient
            The value is not a float tensor.
        """
        known = self.values.get(name)
        if known is None or known.dtype not in FLOATS:
            raise NoGradient(name)
        return self.fed.setdefault(name, f"value/{len(self.fed)}")

    def operand(self, name: str) -> str:
        """Return the graph input that is fed a value in its own type: indices, sizes, conditions.

        Raises
        ------
        NoGradient
            Its type cannot be fed.
        """
        stored = self.stored(name)
        if stored is not None and stored.dtype.kind in "iu":
            return self.constant(stored)
        known = self.values.get(name)
        if known is None or _element_type(known) == TensorProto.UNDEFINED:
            raise NoGradient(name)
        return self.fed.setdefault(name, f"value/{len(self.fed)}")

    def constant(self, array: NDArray[Any] | float) -> str:
        """Store a number or an array; return its name."""
        wide = np.asarray(array)
        kept = wide.astype(np.int64 if wide.dtype.kind in "iu" else np.float32)
        name = f"constant/{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(kept, name))
        return name

    def like(self, gradient: str, name: str) -> str:
        """Reshape a gradient to the shape of a value of the network."""
        return self.add("Reshape", gradient, self.add("Shape", self.value(name)))

    def narrowed(self, layer: Layer, position: int, gradient: str) -> str | None:
        """Sum a gradient over the axes along which an input was broadcast; None for weights."""
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
        """The part of the graph that ``results`` need; its inputs are seeds and values."""
        opset = helper.make_opsetid("", OPSET)
        graph = helper.make_graph(self.nodes, "backward", [], [], self.tensors)
        made = cut(helper.make_model(graph, ir_version=9, opset_imports=[opset]), results)
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
    """The type that a value is fed in: floats as float32, others unchanged."""
    if value.dtype in FLOATS:
        return TensorProto.FLOAT
    names: dict[str, TensorProto.DataType] = dict(TensorProto.DataType.items())
    return names.get(value.dtype.upper(), TensorProto.UNDEFINED)


#: One gradient per value of a layer; None if there is none, or none is needed.
Grads = Sequence[str | None]

#: Gradients of a layer's inputs from those of its outputs.
Rule = Callable[[Tape, Layer, Grads], Grads]


def first(given: Grads) -> str:
    """Gradient of the first output.

    Raises
    ------
    NoGradient
        It has none.
    """
    if given[0] is None:
        raise NoGradient
    return given[0]


def number(layer: Layer, name: str, default: float) -> float:
    """Read a numeric attribute."""
    value: Attribute = layer.attributes.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def backward(
    layers: Sequence[Layer],
    tape: Tape,
    outputs: Iterable[str],
    wanted: Sequence[str],
    rules: Mapping[str, Rule],
) -> dict[str, str]:
    """Visit the layers from the last; return the gradients of the wanted values reached.

    Parameters
    ----------
    layers
        Layers of the main graph, in execution order.
    tape
        The nodes are appended to it.
    outputs
        Values with a seed, which is called ``SEED`` plus the name.
    wanted
        Values; those before an operator without a rule are left out (``tape.stops`` has it).
    rules
        Rules by op_type.
    """
    grads: dict[str, list[str]] = defaultdict(list)
    for name in outputs:
        grads[name].append(SEED + name)
    spoiled: dict[str, str] = {}
    for layer in reversed(_downstream(layers, wanted)):
        _step(layer, tape, rules, grads, spoiled)
    reached = [name for name in wanted if grads[name] and name not in spoiled]
    tape.stops |= spoiled
    return {name: _total(tape, grads[name]) for name in reached}


def _downstream(layers: Sequence[Layer], wanted: Sequence[str]) -> list[Layer]:
    """Layers that depend on a wanted value; only their gradients are needed."""
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
    spoiled: dict[str, str],
) -> None:
    """Pass the gradients through one layer; if that is impossible, its inputs are spoiled."""
    given = [_total(tape, grads[name]) if grads[name] else None for name in layer.writes]
    read = [name for name in layer.reads if _carries(tape.values.get(name))]
    if behind := next((spoiled[name] for name in layer.writes if name in spoiled), None):
        _spoil(spoiled, read, behind)
    if not any(given):
        behind = next((tape.stops[name] for name in layer.writes if name in tape.stops), behind)
        if not any(_is_float(tape.values.get(name)) for name in layer.writes):
            _spoil(tape.stops, filter(lambda n: _is_float(tape.values.get(n)), read), label(layer))
        _spoil(tape.stops, read, behind or label(layer))
        return
    ruled = layer.domain in {"", "ai.onnx"} or layer.op_type in QUANTISERS
    rule = rules.get(layer.op_type, _unruled) if ruled else _unruled
    mark = len(tape.nodes)
    try:
        taken = rule(tape, layer, given)
    except NoGradient:
        del tape.nodes[mark:]
        _spoil(spoiled, read, label(layer))
        return
    for name, gradient in zip(layer.reads, taken, strict=False):
        if gradient is not None and name in read:
            grads[name].append(gradient)


def _spoil(spoiled: dict[str, str], names: Iterable[str], operator: str) -> None:
    for name in names:
        spoiled.setdefault(name, operator)


def label(layer: Layer) -> str:
    """The operator, with its domain unless that is ONNX's own."""
    return layer.op_type if layer.domain in {"", "ai.onnx"} else f"{layer.domain}.{layer.op_type}"


def _is_float(value: Value | None) -> bool:
    return value is not None and value.dtype in FLOATS


def _carries(value: Value | None) -> bool:
    """Whether a gradient can flow through a value; quantised values pass it unchanged."""
    return value is not None and moves(value) and value.dtype not in STEERING


def _unruled(tape: Tape, layer: Layer, given: Grads) -> Grads:
    raise NoGradient


def moves(value: Value | None) -> bool:
    """Whether a value depends on the network's inputs."""
    return value is not None and value.role in {Role.INPUT, Role.ACTIVATION}


def _total(tape: Tape, parts: list[str]) -> str:
    if len(parts) > 1:
        parts[:] = [tape.add("Sum", *parts)]
    return parts[0]
