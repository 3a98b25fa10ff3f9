"""Nodes that hold graphs of their own: If, calls of local functions, and what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import onnx
from onnx import TypeProto

from sepcost.errors import ModelError
from sepcost.model.infer import STANDARD
from sepcost.model.values import Known, opaque, tensor_type, text
from sepcost.model.walk_state import FunctionKey, Scope, Walk, body_prefix, label, node_id
from sepcost.network import Branch

Dimension = onnx.TensorShapeProto.Dimension

Inputs = list[Known | None]
Graph = onnx.GraphProto | onnx.FunctionProto


class Site(NamedTuple):
    """A node where a graph of its own begins, and how to walk a graph: ``run(scope, graph)``."""

    walk: Walk
    scope: Scope
    node: onnx.NodeProto
    run: Callable[[Scope, Graph], list[Known]]

    @property
    def id(self) -> str:
        """The id of the node."""
        return node_id(self.scope, self.node)


def body_of(site: Site, name: str) -> onnx.GraphProto:
    """Return a graph attribute of the site's node.

    Raises
    ------
    ModelError
        Where it is missing.
    """
    for attribute in site.node.attribute:
        if attribute.name == name and attribute.HasField("g"):
            graph: onnx.GraphProto = attribute.g
            return graph
    raise ModelError(
        f"{site.walk.source}: {label(site.node)} has no graph {name!r}; export the model again"
    )


def if_(site: Site, inputs: Inputs) -> list[Known]:
    """Walk both branches; where it is known which one is taken, that one alone is binding."""
    walk, scope, _, run = site
    condition = inputs[0].array if inputs and inputs[0] else None
    taken = None
    if condition is not None and condition.size == 1:
        taken = "then" if bool(condition.reshape(-1)[0]) else "else"
    taken = taken or _observed_side(site)
    walk.choices[site.id] = taken
    results: dict[str, list[Known]] = {}
    for side in ("then", "else"):
        inner = scope.within(
            body_prefix(site.id, f"{side}_branch"),
            branches=(*scope.branches, Branch(site.id, side)),
            soft=scope.soft or side != taken,
        )
        results[side] = run(inner, body_of(site, f"{side}_branch"))
    if taken:
        return [known.renamed() for known in results[taken]]
    pairs = zip(results["then"], results["else"], strict=False)
    return [Known("", common(one.type, other.type)) for one, other in pairs]


def _observed_side(site: Site) -> str | None:
    """Return the branch that ran, where a run was observed and took only one of them."""
    sides = [
        side
        for side in ("then", "else")
        if any(id_.startswith(body_prefix(site.id, f"{side}_branch")) for id_ in site.walk.observed)
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


def feed(site: Site, inner: Scope, body: onnx.GraphProto, values: Sequence[Known]) -> None:
    """Name the inputs of a body; where nothing is known of one, its own declaration is."""
    for k, declared in enumerate(body.input):
        name = text(declared.name)
        given = values[k].type if k < len(values) else TypeProto()
        known = Known(inner.prefix + name, given if given.WhichOneof("value") else declared.type)
        inner.names[name] = known
        site.walk.record(known)


def stacked(known: Known, trips: int | None, axis: int) -> Known:
    """Return the type of an output that is collected over all trips."""
    elem_type, shape = known.type.tensor_type.elem_type, known.shape
    if shape is None or trips is None:
        return Known("", tensor_type(elem_type, None))
    at = axis if axis >= 0 else len(shape) + 1 + axis
    return Known("", tensor_type(elem_type, (*shape[:at], trips, *shape[at:])))


def times(outer: int | None, inner: int | None) -> int | None:
    """Multiply trip counts; no trips of one are no trips, even where the other is unknown."""
    if outer == 0 or inner == 0:
        return 0
    return None if outer is None or inner is None else outer * inner


def trips_of(site: Site, known: int | None) -> int | None:
    """What the user says of the trips, else what the model does, else what a run showed."""
    walk, name = site.walk, text(site.node.name)
    for key in (site.id, name):
        if key and key in walk.given_trips:
            walk.used_trips.add(key)
            return walk.given_trips[key]
    if known is not None:
        return known
    shown = _observed_trips(site)
    if shown is not None:
        return shown
    walk.warnings.append(
        f"{label(site.node)}: the trip count depends on data;"
        f" give it with --trips {name or site.id}=COUNT or --observe"
    )
    return None


def _observed_trips(site: Site) -> int | None:
    """Return how often the nodes of the body ran for each run of the site's node."""
    prefix, observed = body_prefix(site.id, "body"), site.walk.observed
    own = observed.get(site.id)
    seen = [each.runs for id_, each in observed.items() if _is_directly_in(id_, prefix)]
    return max(seen) // own.runs if seen and own and own.runs else None


def _is_directly_in(id_: str, prefix: str) -> bool:
    return id_.startswith(prefix) and "/" not in id_[len(prefix) :]


def other(site: Site, inputs: Inputs) -> list[Known]:
    """Walk the bodies of an operator that nobody here knows; how often they run, neither."""
    del inputs
    for attribute in site.node.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
        for k, graph in enumerate(graphs):
            inner = site.scope.within(
                body_prefix(site.id, f"{attribute.name}{k or ''}"), trips=None, soft=True
            )
            feed(site, inner, graph, [])
            site.run(inner, graph)
    return [opaque("") for _ in site.node.output]


def call(site: Site, function: onnx.FunctionProto, inputs: Inputs) -> list[Known]:
    """Walk the body of a local function, with the attributes and values of this call.

    What it returns keeps the names that it has within: a call makes no value of its own.
    """
    _, scope, node, run = site
    given = {a.name: a for a in node.attribute}
    inner = Scope(
        prefix=f"{site.id}/",
        opsets={o.domain: o.version for o in function.opset_import} or scope.opsets,
        references={a.name: a for a in function.attribute_proto} | given,
        trips=scope.trips,
        branches=scope.branches,
        depth=scope.depth + 1,
        soft=scope.soft,
    )
    for raw, known in zip_longest(function.input, inputs[: len(function.input)]):
        inner.names[text(raw)] = known or opaque("")
    return run(inner, function)


def function_key(domain: str, name: str, overload: str) -> FunctionKey:
    """Return how a local function is called; ONNX's own domain has two names."""
    return "" if domain in STANDARD else domain, name, overload


def key_of(node: onnx.NodeProto) -> FunctionKey:
    """Return what a node calls, by the names of a local function."""
    return function_key(node.domain, node.op_type, node.overload)
