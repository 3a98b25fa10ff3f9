"""The graphs of a step of tuning: the student forward, and backward with gradients of its weights.

They are two, as the backward graph has an opset of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

from sepcost.network import Layer, Network
from sepcost.separable.find.context import Context
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import FLOATS, SEED, NoGradient, Tape, backward, moves
from sepcost.separable.runs.cuts import cut
from sepcost.separable.tuning.gradients import bias_gradient, weight_gradient
from sepcost.separable.tuning.student import Student

ANSWER = "answer/"  # plus the name of a feature: the original's value of it
SCALE = "scale/"  # plus the name of a feature: what its difference counts


@dataclass(frozen=True, slots=True, eq=False)
class Graphs:
    """The forward and the backward graph."""

    forward: onnx.ModelProto
    backward: onnx.ModelProto
    outputs: tuple[str, ...]  # of the network, with a seed
    features: tuple[str, ...]
    results: Mapping[str, str]  # weights reached -> outputs of the backward graph
    moving: Mapping[str, str]  # values of the forward graph -> inputs of the backward graph
    fixed: Mapping[str, str]  # constants -> inputs of the backward graph


def graphs(student: Student, context: Context, features: Sequence[str]) -> Graphs:
    """Build both graphs.

    Parameters
    ----------
    student
        The converted network.
    context
        Of the student's model.
    features
        Inner values that the original has too.
    """
    network = context.network
    tape = Tape(network.values, context.stored, opset=network.opsets.get("", 1))
    outputs = tuple(
        n for n in network.outputs if n in network.values and network.values[n].dtype in FLOATS
    )
    for name in features:
        gap = tape.add("Sub", tape.value(name), ANSWER + name)
        tape.nodes.append(helper.make_node("Mul", [gap, SCALE + name], [SEED + name]))
    layers = [
        one for one in network.layers if len(one.reads) > 1 and one.reads[1] in student.weights
    ]
    ends = [layer.writes[0] for layer in layers]
    found = backward(context.opaque(), tape, [*outputs, *features], ends, RULES)
    results = _weights(tape, layers, found, student)
    model = tape.model(outputs, list(results.values()))
    read = {name for node in model.graph.node for name in node.input}
    model.graph.input.extend(
        helper.make_tensor_value_info(kind + name, TensorProto.FLOAT, None)
        for name in features
        for kind in (ANSWER, SCALE)
        if kind + name in read
    )
    taken = {value.name for value in model.graph.input}
    fed = {name: at for name, at in tape.fed.items() if at in taken}
    moving = {name: at for name, at in fed.items() if moves(network.values[name])}
    fixed = {name: at for name, at in fed.items() if name not in moving}
    features = tuple(name for name in features if ANSWER + name in taken)
    wide = _forward(student, network, [*outputs, *moving])
    return Graphs(wide, model, outputs, features, results, moving, fixed)


def _weights(
    tape: Tape, layers: Sequence[Layer], found: Mapping[str, str], student: Student
) -> dict[str, str]:
    """Gradients of the weights and biases of all layers reached, by name of the weight."""
    parts: dict[str, list[str]] = {}
    for layer in layers:
        gradient = found.get(layer.writes[0])
        if gradient is None:
            continue
        try:
            parts.setdefault(layer.reads[1], []).append(weight_gradient(tape, layer, gradient))
        except NoGradient:
            continue
        for name in layer.reads[2:]:
            if name in student.weights:
                parts.setdefault(name, []).append(bias_gradient(tape, layer, gradient))
    return {n: tape.add("Sum", *some) if len(some) > 1 else some[0] for n, some in parts.items()}


def _forward(student: Student, network: Network, wanted: Sequence[str]) -> onnx.ModelProto:
    """The student with its weights as inputs and the wanted values, as float32, as outputs."""
    given = {value.name for value in student.loaded.proto.graph.input}
    made = cut(student.loaded.proto, [n for n in dict.fromkeys(wanted) if n not in given])
    graph = made.graph
    kept = [tensor for tensor in graph.initializer if tensor.name not in student.weights]
    types = {t.name: t.data_type for t in graph.initializer if t.name in student.weights}
    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.input.extend(
        helper.make_tensor_value_info(name, type_, student.weights[name].shape)
        for name, type_ in types.items()
    )
    for value in graph.output:
        if network.values[value.name].dtype in {"float16", "float64"}:
            wide = helper.make_node("Cast", [value.name], [f"{value.name}/single"], to=1)
            graph.node.append(wide)
            value.name = wide.output[0]
    return made
