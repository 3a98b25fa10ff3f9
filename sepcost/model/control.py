"""Nodes that contain or call graphs: If, local functions, and unknown operators with subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import onnx
from onnx import TypeProto

from sepcost.errors import ModelError
from sepcost.model.graphs import Body, body_prefix, call_attributes, label, node_id, subgraphs
from sepcost.model.values import Known, opaque, tensor_type, text
from sepcost.model.walk_state import Scope, WalkState
from sepcost.network import Branch

Dimension = onnx.TensorShapeProto.Dimension

Inputs = list[Known | None]


class Holder(NamedTuple):
    """A node that contains or calls graphs, with ``run(scope, graph)`` to walk one of them."""

    state: WalkState
    scope: Scope
    node: onnx.NodeProto
    run: Callable[[Scope, Body], list[Known]]

    @property
    def id(self) -> str:
        """The layer id of the node."""
        return node_id(self.scope.prefix, self.node)


def body_of(holder: Holder, name: str) -> onnx.GraphProto:
    """Return the subgraph in the attribute ``name``.

    Raises
    ------
    ModelError
        If the node has none.
    """
    for attribute in holder.node.attribute:
        if attribute.name == name and attribute.HasField("g"):
            graph: onnx.GraphProto = attribute.g
            return graph
    raise ModelError(
        f"{holder.state.source}: {label(holder.node)} has no graph {name!r}; export the model again"
    )


def if_(holder: Holder, inputs: Inputs) -> list[Known]:
    """Walk both branches; the outputs are those of the branch taken, if that is known."""
    state, scope, _, run = holder
    condition = inputs[0].array if inputs and inputs[0] else None
    taken = None
    if condition is not None and condition.size == 1:
        taken = "then" if bool(condition.reshape(-1)[0]) else "else"
    taken = taken or _observed_side(holder)
    state.choices[holder.id] = taken
    results: dict[str, list[Known]] = {}
    for side in ("then", "else"):
        inner = scope.within(
            body_prefix(holder.id, f"{side}_branch"),
            branches=(*scope.branches, Branch(holder.id, side)),
            soft=scope.soft or side != taken,
        )
        results[side] = run(inner, body_of(holder, f"{side}_branch"))
    if taken:
        return [known.renamed() for known in results[taken]]
    pairs = zip(results["then"], results["else"], strict=False)
    return [Known("", common(one.type, other.type)) for one, other in pairs]


def _observed_side(holder: Holder) -> str | None:
    """Return the branch that was observed to run; None if neither or both did."""
    sides = [
        side
        for side in ("then", "else")
        if any(
            id_.startswith(body_prefix(holder.id, f"{side}_branch"))
            for id_ in holder.state.observed
        )
    ]
    return sides[0] if len(sides) == 1 else None


def common(one: TypeProto, other: TypeProto) -> TypeProto:
    """Return what two types agree on: the element type, the rank, the sizes."""
    if one == other:
        return one
    a, b = one.tensor_type, other.tensor_type
    if not (one.HasField("tensor_type") and other.HasField("tensor_type")):
        return TypeProto()
    agreed = TypeProto()
    agreed.tensor_type.elem_type = a.elem_type if a.elem_type == b.elem_type else 0
    if a.HasField("shape") and b.HasField("shape") and len(a.shape.dim) == len(b.shape.dim):
        agreed.tensor_type.shape.SetInParent()
        for size, same in zip(a.shape.dim, b.shape.dim, strict=True):
            agreed.tensor_type.shape.dim.add().CopyFrom(size if size == same else Dimension())
    return agreed


def feed(holder: Holder, inner: Scope, body: onnx.GraphProto, values: Sequence[Known]) -> None:
    """Give the inputs of a body the types of ``values``, or else those that it declares."""
    for k, declared in enumerate(body.input):
        name = text(declared.name)
        given = values[k].type if k < len(values) else TypeProto()
        known = Known(inner.prefix + name, given if given.WhichOneof("value") else declared.type)
        inner.names[name] = known
        holder.state.record(known)


def stacked(known: Known, trips: int | None, axis: int) -> Known:
    """Return the type of an output that is stacked over all trips."""
    elem_type, shape = known.type.tensor_type.elem_type, known.shape
    if shape is None or trips is None:
        return Known("", tensor_type(elem_type, None))
    at = axis if axis >= 0 else len(shape) + 1 + axis
    return Known("", tensor_type(elem_type, (*shape[:at], trips, *shape[at:])))


def times(outer: int | None, inner: int | None) -> int | None:
    """Multiply trip counts; 0 times an unknown count is 0."""
    if outer == 0 or inner == 0:
        return 0
    return None if outer is None or inner is None else outer * inner


def trips_of(holder: Holder, known: int | None) -> int | None:
    """Return the trip count given by the user, else by the model, else by the observed run."""
    state, name = holder.state, text(holder.node.name)
    for key in (holder.id, name):
        if key and key in state.given_trips:
            state.used_trips.add(key)
            return state.given_trips[key]
    if known is not None:
        return known
    shown = _observed_trips(holder)
    if shown is not None:
        return shown
    state.warnings.append(
        f"{label(holder.node)}: the trip count depends on data;"
        f" give it with --trips {name or holder.id}=COUNT, or pass --observe"
    )
    return None


def _observed_trips(holder: Holder) -> int | None:
    """Return how often the nodes of the body ran for each run of the holder's node."""
    prefix, observed = body_prefix(holder.id, "body"), holder.state.observed
    own = observed.get(holder.id)
    seen = [each.runs for id_, each in observed.items() if _is_directly_in(id_, prefix)]
    return max(seen) // own.runs if seen and own and own.runs else None


def _is_directly_in(id_: str, prefix: str) -> bool:
    return id_.startswith(prefix) and "/" not in id_[len(prefix) :]


def other(holder: Holder, inputs: Inputs) -> list[Known]:
    """Walk the subgraphs of an unknown operator; how often they run is unknown too."""
    del inputs
    for place, graph in subgraphs(holder.node):
        inner = holder.scope.within(body_prefix(holder.id, place), trips=None, soft=True)
        feed(holder, inner, graph, [])
        holder.run(inner, graph)
    return [opaque("") for _ in holder.node.output]


def call(holder: Holder, function: onnx.FunctionProto, inputs: Inputs) -> list[Known]:
    """Walk the body of a local function with the attributes and inputs of this call.

    Its outputs keep the names that they have in the body: a call adds no values of its own.
    """
    _, scope, node, run = holder
    inner = Scope(
        prefix=f"{holder.id}/",
        path=f"{scope.path}{text(node.name).strip('/') or holder.id.removeprefix(scope.prefix)}/",
        opsets={o.domain: o.version for o in function.opset_import} or scope.opsets,
        references=call_attributes(function, node),
        trips=scope.trips,
        branches=scope.branches,
        depth=scope.depth + 1,
        soft=scope.soft,
    )
    for raw, known in zip_longest(function.input, inputs[: len(function.input)]):
        inner.names[text(raw)] = known or opaque("")
    return run(inner, function)
