"""Gradients of LSTM and GRU by backpropagation through time.

The gates follow from the inputs and the states before each step, so they are computed for all
steps together; only the recursion of the gradients is a Scan. With s(y) = y·(1 - y) for each
gate and t(y) = 1 - y² for each candidate (ONNX operator specification, LSTM and GRU):

    GRU    dn = dh·(1 - z)·t(n)      dz = dh·(h' - n)·s(z)     dr = dn·(R·h' + b)·s(r)
    LSTM   dc += dh·o·t(c)           do = dh·tanh c·s(o)       di = dc·g·s(i)
           df = dc·c'·s(f)           dg = dc·i·t(g)            dc' = dc·f

where h' and c' are the states before the step; dh' and dx are the gates' gradients times R and W.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx

from sepcost.network import Layer
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape

GATE = "one = Constant <value = float {1}> ()\n dh = Add (g, carry)\n"


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a layer: its weights, and its states before each step, [T, B, H]."""

    weight: str  # [gates·H, I]
    recurrence: str  # [gates·H, H]
    bias: tuple[str, str] | None  # for inputs and for states, [gates·H] each
    states: str
    backwards: bool


def check(layer: Layer) -> None:
    """Refuse layers that the equations do not cover."""
    known = layer.attributes
    one: tuple[str, ...] = ("Sigmoid", "Tanh", "Tanh")[: 3 if layer.op_type == "LSTM" else 2]
    if known.get("activations", one) not in {one, one + one}:
        raise NoGradient
    if any(known.get(name) for name in ("clip", "input_forget", "layout")):
        raise NoGradient
    if len(layer.reads) > 4 and layer.reads[4]:
        raise NoGradient  # sequences of different lengths


def directions(tape: Tape, layer: Layer) -> list[Direction]:
    """Weights and states of each direction; the layer runs again to return all states."""
    way = layer.attributes.get("direction", "forward")
    names = [tape.value(name) if name else "" for name in layer.reads]
    (sequence,) = tape.several(1, layer.op_type, *names, **dict(layer.attributes))
    ways = []
    for k in range(layer.inputs[1][0]):
        place = tape.constant(np.array(k))
        weight, recurrence = (tape.add("Gather", names[n], place, axis=0) for n in (1, 2))
        bias = None
        if len(names) > 3 and names[3]:
            both = tape.add("Gather", names[3], place, axis=0)
            bias = tuple(tape.several(2, "Split", both, axis=0, num_outputs=2))
        backwards = way == "reverse" or k == 1
        own = tape.add("Gather", sequence, place, axis=1)
        start = initial(tape, layer, 5, k, own)
        shifted = _shifted(tape, own, start, backwards=backwards)
        pair = None if bias is None else (bias[0], bias[1])
        ways.append(Direction(weight, recurrence, pair, shifted, not backwards))
    return ways


def _shifted(tape: Tape, states: str, start: str, *, backwards: bool) -> str:
    """The states before each step: the initial state, then all but the last."""
    zero, one, last = (tape.constant(np.array([k])) for k in (0, 1, -1))
    first = tape.add("Unsqueeze", start, zero)
    if backwards:
        end = tape.constant(np.array([np.iinfo(np.int64).max]))
        return tape.add("Concat", tape.add("Slice", states, one, end, zero), first, axis=0)
    return tape.add("Concat", first, tape.add("Slice", states, zero, last, zero), axis=0)


def initial(tape: Tape, layer: Layer, position: int, k: int, like: str) -> str:
    """The state [B, H] before the first step; zeros if none is given."""
    if len(layer.reads) > position and layer.reads[position]:
        given = tape.value(layer.reads[position])
        return tape.add("Gather", given, tape.constant(np.array(k)), axis=0)
    return _zeros(tape, like)


def _zeros(tape: Tape, steps: str) -> str:
    """Zeros [B, H] for a sequence [T, B, H]."""
    extent = tape.add("Shape", steps, start=1)
    return tape.add("ConstantOfShape", extent)


def gradient(tape: Tape, layer: Layer, given: Grads, k: int, one: Direction) -> str:
    """The gradient of one direction of Y [T, B, H]."""
    if not given or given[0] is None:
        return tape.add("ConstantOfShape", tape.add("Shape", one.states))
    return tape.add("Gather", given[0], tape.constant(np.array(k)), axis=1)


def last(tape: Tape, given: Grads, position: int, k: int, like: str) -> str:
    """The gradient of a last state [B, H]."""
    gradient = given[position] if len(given) > position else None
    if gradient is None:
        return _zeros(tape, like)
    return tape.add("Gather", gradient, tape.constant(np.array(k)), axis=0)


def biases(tape: Tape, one: Direction, parts: int) -> tuple[Sequence[str], Sequence[str]]:
    """Biases of inputs and of states, in equal parts; zeros if there are none."""
    if one.bias is None:
        none = [tape.constant(0.0)] * parts
        return none, none
    if parts == 1:
        return [one.bias[0]], [one.bias[1]]
    w, u = (tape.several(parts, "Split", side, axis=0, num_outputs=parts) for side in one.bias)
    return w, u


def affine(tape: Tape, *terms: tuple[str, str, str]) -> str:
    """Σ x·Wᵀ + b."""
    parts = []
    for x, weight, bias in terms:
        turned = tape.add("Transpose", weight, perm=[1, 0])
        parts += [tape.add("Add", tape.add("MatMul", x, turned), bias)]
    return parts[0] if len(parts) == 1 else tape.add("Sum", *parts)


def together(tape: Tape, inputs: Sequence[str], *states: Sequence[str]) -> list[str | None]:
    """Gradients of a layer's inputs: x summed over directions, initial states stacked."""
    zero = tape.constant(np.array([0]))
    stacked = (
        tape.add("Concat", *(tape.add("Unsqueeze", one, zero) for one in ways), axis=0)
        for ways in states
    )
    return [tape.add("Sum", *inputs), None, None, None, None, *stacked]


@dataclass(frozen=True, slots=True)
class ScanBody:
    """The nodes of one step, the values it returns, and those it reads from outside the Scan."""

    nodes: str
    made: Sequence[str]
    outer: Mapping[str, str] = field(default_factory=dict)


def scan(
    tape: Tape,
    step: ScanBody,
    states: Mapping[str, tuple[str, str]],
    seen: Mapping[str, str],
    backwards: bool,
) -> tuple[list[str], list[str]]:
    """Run a step over time; return the last states [B, H] and the values made at each time.

    Parameters
    ----------
    tape
        The Scan is appended to it.
    step
        Computed at each time.
    states
        Name in the step -> value before the first step, name after each step.
    seen
        Name in the step -> sequence.
    backwards
        Whether to go from the last step to the first.
    """
    made, number = step.made, len(tape.nodes)
    # equal names are equal sizes to ONNX Runtime, also those of different Scans
    type_ = f"float[b{number}, h{number}]"
    taken = ", ".join(f"{type_} {name}" for name in (*states, *seen))
    left = ", ".join(f"{type_} {name}" for name in (*(s[1] for s in states.values()), *made))
    body = onnx.parser.parse_graph(f"step ({taken}) => ({left}) {{ {step.nodes} }}")
    for node in body.node:
        node.input[:] = [step.outer.get(name, name) for name in node.input]
    ways = [int(backwards)]
    results = tape.several(
        len(states) + len(made),
        "Scan",
        *(before for before, _ in states.values()),
        *seen.values(),
        body=body,
        num_scan_inputs=len(seen),
        scan_input_directions=ways * len(seen),
        scan_output_directions=ways * len(made),
    )
    return results[: len(states)], results[len(states) :]
