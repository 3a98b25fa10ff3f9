"""Nodes that hold graphs of their own: If, Loop, calls of local functions, and what is unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import onnx
from onnx import TensorProto, TypeProto

from sepcost.errors import ModelError
from sepcost.model.infer import STANDARD
from sepcost.model.values import Known, opaque, tensor_type, text
from sepcost.model.walk import FunctionKey, Scope, Walk, body_prefix, label, node_id
from sepcost.network import Branch

Inputs = list[Known | None]


class Site(NamedTuple):
    """A node where a graph of its own begins, and how to walk a graph: ``run(scope, graph)``."""

    walk: Walk
    scope: Scope
    node: onnx.NodeProto
    run: Callable[[Scope, onnx.GraphProto], list[Known]]

    @property
    def id(self) -> str:
        """The id of the node."""
        return node_id(self.scope, self.node)


def body_of(node: onnx.NodeProto, name: str) -> onnx.GraphProto:
    """Return a graph attribute of the node.

    Raises
    ------
    ModelError
        Where it is missing.
    """
    for attribute in node.attribute:
        if attribute.name == name and attribute.HasField("g"):
            graph: onnx.GraphProto = attribute.g
            return graph
    raise ModelError(f"{label(node)} has no graph {name!r}; export the model again")


def if_(site: Site, inputs: Inputs) -> list[Known]:
    """Walk both branches; where it is known which one is taken, that one alone is binding."""
    walk, scope, node, run = site
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
        results[side] = run(inner, body_of(node, f"{side}_branch"))
    if taken:
        return [known.renamed() for known in results[taken]]
    pairs = zip(results["then"], results["else"], strict=False)
    return [Known("", _common(one.type, other.type)) for one, other in pairs]


def _observed_side(site: Site) -> str | None:
    """Return the branch that ran, where a run was observed and took only one of them."""
    sides = [
        side
        for side in ("then", "else")
        if any(id_.startswith(body_prefix(site.id, f"{side}_branch")) for id_ in site.walk.observed)
    ]
    return sides[0] if len(sides) == 1 else None


def _common(one: TypeProto, other: TypeProto) -> TypeProto:
    """Return what two types agree on."""
    if one == other:
        return one
    if not (one.HasField("tensor_type") and other.HasField("tensor_type")):
        return TypeProto()
    agreed = one.tensor_type.elem_type == other.tensor_type.elem_type
    return tensor_type(one.tensor_type.elem_type if agreed else 0, None)


def loop(site: Site, inputs: Inputs) -> list[Known]:
    """Walk the body once, with carried shapes that hold for every trip."""
    trips = trips_of(site, _loop_trips(site.node, inputs))
    body = body_of(site.node, "body")
    counter = Known("", tensor_type(TensorProto.INT64, ()))
    condition = Known("", tensor_type(TensorProto.BOOL, ()))
    carried = [Known("", known.type if known else TypeProto()) for known in inputs[2:]]
    outputs = _fixed_point(site, body, [counter, condition], carried, trips)
    end = 1 + len(carried)
    return outputs[1:end] + [stacked(known, trips, 0) for known in outputs[end:]]


def _fixed_point(
    site: Site, body: onnx.GraphProto, leading: list[Known], carried: list[Known], trips: int | None
) -> list[Known]:
    """Walk the body; where a carried shape changes on the way, forget it and walk again."""
    layers = len(site.walk.layers)
    while True:
        inner = site.scope.within(
            body_prefix(site.id, "body"), trips=times(site.scope.trips, trips), soft=site.scope.soft
        )
        feed(site, inner, body, [*leading, *carried])
        outputs = [Known("", known.type) for known in site.run(inner, body)]
        after = outputs[len(leading) - 1 : len(leading) - 1 + len(carried)]
        common = [_common(a.type, b.type) for a, b in zip(carried, after, strict=False)]
        if trips in {0, 1} or all(a.type == c for a, c in zip(carried, common, strict=False)):
            return outputs
        carried = [Known("", type_) for type_ in common]
        del site.walk.layers[layers:]


def feed(site: Site, inner: Scope, body: onnx.GraphProto, values: Sequence[Known]) -> None:
    """Name the inputs of a body; where nothing is known of one, its own declaration is."""
    for k, declared in enumerate(body.input):
        name = text(declared.name)
        given = values[k].type if k < len(values) else TypeProto()
        known = Known(inner.prefix + name, given if given.WhichOneof("value") else declared.type)
        inner.names[name] = known
        site.walk.record(known)


def _loop_trips(node: onnx.NodeProto, inputs: Inputs) -> int | None:
    """The trip count, where it is a constant and nothing can end the loop before."""
    count, condition = (*inputs[:2], None, None)[:2]
    content = None if condition is None else condition.array
    if condition is not None and content is None:
        return None
    if content is not None and not bool(content.reshape(-1)[0]):
        return 0
    if count is None or count.array is None or not _keeps_going(body_of(node, "body")):
        return None
    return max(0, int(count.array.reshape(-1)[0]))


def _keeps_going(body: onnx.GraphProto) -> bool:
    """Whether the condition that the body hands on is the one it got, or a constant true."""
    if len(body.input) < 2 or not body.output:
        return False
    name = body.output[0].name
    writers = {output: node for node in body.node for output in node.output}
    for _ in range(len(body.node) + 1):
        if name == body.input[1].name:
            return True
        node = writers.get(name)
        if node is None:
            tensors = [t for t in body.initializer if t.name == name]
            return bool(tensors) and _is_true(tensors[0])
        if node.op_type == "Constant":
            return any(a.name == "value" and _is_true(a.t) for a in node.attribute)
        if node.op_type not in {"Identity", "Cast"} or not node.input:
            return False
        name = node.input[0]
    return False


def _is_true(tensor: TensorProto) -> bool:
    return any(tensor.raw_data) or any(tensor.int32_data)


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
    prefix = body_prefix(site.id, "body")
    seen = [o.runs for id_, o in walk.observed.items() if _is_directly_in(id_, prefix)]
    own = walk.observed.get(site.id)
    if seen and own and own.runs:
        return max(seen) // own.runs
    walk.warnings.append(
        f"{label(site.node)}: the trip count depends on data;"
        f" give it with --trips {name or site.id}=COUNT or --observe"
    )
    return None


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
    """Walk the body of a local function, with the attributes and values of this call."""
    _, scope, node, run = site
    given = {a.name: a for a in node.attribute}
    references = {a.name: a for a in function.attribute_proto}
    for name, attribute in given.items():
        references[name] = scope.references.get(attribute.ref_attr_name, attribute)
    inner = Scope(
        prefix=f"{site.id}/",
        opsets={o.domain: o.version for o in function.opset_import} or scope.opsets,
        references=references,
        trips=scope.trips,
        branches=scope.branches,
        depth=scope.depth + 1,
        soft=scope.soft,
    )
    for k, raw in enumerate(function.input):
        known = inputs[k] if k < len(inputs) else None
        inner.names[text(raw)] = known or Known("", TypeProto())
    body = onnx.GraphProto(node=function.node)
    body.output.extend(onnx.ValueInfoProto(name=name) for name in function.output)
    return run(inner, body)


def key_of(node: onnx.NodeProto) -> FunctionKey:
    """Return what a node calls, by the names of a local function."""
    domain = "" if node.domain in STANDARD else node.domain
    return domain, node.op_type, node.overload
