"""ONNX model -> Network: every shape that follows from the inputs, every layer, every origin.

One walk in execution order. At each node, in turn: fold small constants, infer the types of
the outputs, note whose parameters they carry. Subgraphs and functions are walked where they
stand, so every layer knows its scope and its trips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

import onnx
from onnx import TypeProto
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError

from sepcost.cost.geometry import CONVOLUTIONS, check
from sepcost.errors import BindingError, ModelError
from sepcost.model.bind import bind_inputs
from sepcost.model.constants import constant, guarded, initializer
from sepcost.model.control import Inputs, Site, call, if_, key_of, loop, other
from sepcost.model.fold import fold
from sepcost.model.infer import STANDARD, infer
from sepcost.model.load import Loaded
from sepcost.model.order import in_order
from sepcost.model.provenance import RANDOM, carried
from sepcost.model.scan import scan
from sepcost.model.values import Known, opaque, static_shape, text
from sepcost.model.walk import Observation, Scope, Walk, label, node_id
from sepcost.network import Network, Role

CONTROL: Mapping[str, Callable[[Site, Inputs], list[Known]]] = {
    "If": if_,
    "Loop": loop,
    "Scan": scan,
}


def describe(
    loaded: Loaded,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    observed: Mapping[str, Observation] | None = None,
) -> Network:
    """Describe a model as a network with static shapes.

    Parameters
    ----------
    loaded
        The model; it is not changed.
    bind
        Sizes of dynamic dimensions by symbol.
    shape
        Whole shapes by input.
    trips
        How often a Loop or Scan runs, by the node's name or id.
    observed
        What a run of the model showed, by the id of the layer (see ``observe``).

    Raises
    ------
    BindingError
        Where a dimension stays open or a binding fits nothing in the model.
    ModelError
        Where the model contradicts itself: the message names the node.
    """
    proto = loaded.proto
    graph = proto.graph
    constants = {text(t.name) for t in graph.initializer}
    constants.update(text(t.values.name) for t in graph.sparse_initializer)
    dynamic = [value for value in graph.input if text(value.name) not in constants]
    bound = bind_inputs(dynamic, loaded.source, bind or {}, shape or {})
    walk = Walk(
        loaded.source,
        proto.ir_version,
        {(f.domain, f.name, f.overload): f for f in proto.functions},
        trips or {},
        observed or {},
        warnings=bound.warnings,
        rebound=any(size != 1 for size in bound.bindings.values()) or bool(shape),
    )
    scope = Scope(opsets={o.domain: o.version for o in proto.opset_import})
    for name, type_ in bound.types.items():
        known = guarded(walk, f"input {name!r}", Known(name, type_))
        scope.names[name] = known
        walk.record(known, Role.INPUT)
    outputs = _graph(walk, scope, graph)
    _check_trips(walk)
    return _network(loaded, walk, bound.bindings, bound.batch, [o.name for o in outputs])


def _network(
    loaded: Loaded, walk: Walk, bindings: dict[str, int], batch: int | None, outputs: list[str]
) -> Network:
    for name in walk.weighed & walk.parameters.keys() & walk.values.keys():
        walk.values[name] = walk.parameters[name]
    used = {name for layer in walk.layers for name in layer.parameters}
    return Network(
        name=loaded.name,
        layers=tuple(walk.layers),
        values=walk.values,
        parameters={name: walk.parameters[name] for name in used},
        inputs=tuple(v for v in walk.values.values() if v.role is Role.INPUT),
        outputs=tuple(outputs),
        opsets={text(o.domain): o.version for o in loaded.proto.opset_import},
        bindings=bindings,
        batch=batch,
        choices=walk.choices,
        dead_weights=tuple(v for n, v in walk.parameters.items() if n not in walk.read),
        warnings=tuple(dict.fromkeys(walk.warnings)),
    )


def _graph(walk: Walk, scope: Scope, graph: onnx.GraphProto) -> list[Known]:
    """Walk one graph and return its outputs."""
    for tensor in graph.initializer:
        initializer(walk, scope, tensor, tuple(tensor.dims))
    for sparse in graph.sparse_initializer:
        initializer(walk, scope, sparse.values, tuple(sparse.dims))
    declared = {text(v.name): v.type for v in (*graph.value_info, *graph.output)}
    for node in in_order(graph, scope, walk.source):
        _node(walk, scope, node, declared)
    outputs = []
    for value in graph.output:
        known = scope.find(text(value.name))
        if known is None:
            raise ModelError(
                f"{walk.source}: the output {text(value.name)!r} is written by no node;"
                " export the model again"
            )
        walk.read.add(known.name)
        outputs.append(known)
    return outputs


def _node(
    walk: Walk, scope: Scope, node: onnx.NodeProto, declared: Mapping[str, TypeProto]
) -> None:
    walk.count_visit(scope, node)
    if scope.references:
        node = _resolved(node, scope.references)
    inputs = walk.inputs(scope, node)
    site = Site(walk, scope, node, lambda inner, graph: _graph(walk, inner, graph))
    function = walk.functions.get(key_of(node))
    if function is not None:
        results = call(site, function, inputs)
        scope.names.update(zip(map(text, node.output), results, strict=False))
        return
    problem = ""
    if node.op_type in CONTROL and node.domain in STANDARD:
        outputs = CONTROL[node.op_type](site, inputs)
    elif any(a.HasField("g") or a.graphs for a in node.attribute):
        outputs = other(site, inputs)
    else:
        outputs, problem = _plain_outputs(walk, scope, node, inputs)
    _complete(walk, scope, node, outputs, declared)
    walk.emit(scope, node, inputs, _named(walk, scope, node, outputs), problem)


def _plain_outputs(
    walk: Walk, scope: Scope, node: onnx.NodeProto, inputs: Inputs
) -> tuple[list[Known], str]:
    """Return the outputs of a node without graphs of its own, and what is wrong with it."""
    if node.op_type == "Constant" and node.domain in STANDARD:
        return [constant(walk, scope, node)], ""
    outputs = fold(node, inputs)
    problem = ""
    if outputs is None:
        types, problem = _types(walk, scope, node, inputs)
        outputs = [Known("", type_) for type_ in types]
    fixed = bool(inputs) and all(known is None or known.constant for known in inputs)
    for output in outputs:
        output.constant = fixed and node.op_type not in RANDOM
        output.parameters = carried(node.op_type, inputs) if output.constant else ()
    if node.op_type == "ConstantOfShape" and outputs and outputs[0].constant:
        outputs[0].name = node_id(scope, node)
        walk.learn(outputs[0])
    return outputs, problem


def _types(
    walk: Walk, scope: Scope, node: onnx.NodeProto, inputs: Inputs
) -> tuple[list[TypeProto], str]:
    """Infer; what contradicts itself is refused, or only noted where the node may never run."""
    try:
        if key_of(node)[:2] in CONVOLUTIONS:
            check(walk.layer(scope, node, inputs, [None] * len(node.output)))
        types = infer(node, inputs, scope.opset(node.domain), walk.ir_version)
        for type_ in types:
            _check_sizes(type_)
    except (ModelError, InferenceError, ValidationError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()).removeprefix(f"{label(node)}: ")
        if scope.soft:
            return [TypeProto() for _ in node.output], f"contradicts itself: {reason}"
        raise ModelError(
            f"{walk.source}: {label(node)}: {reason}"
            " (check the sizes that were bound, or export the model again)"
        ) from error
    return types, ""


def _check_sizes(type_: TypeProto) -> None:
    sizes = [dim.dim_value for dim in type_.tensor_type.shape.dim]
    if any(size < 0 for size in sizes):
        raise ValueError(f"its output would have the impossible shape {sizes}")


def _complete(
    walk: Walk,
    scope: Scope,
    node: onnx.NodeProto,
    outputs: list[Known],
    declared: Mapping[str, TypeProto],
) -> None:
    """Where inference left a shape open, take what a run showed, else what the model declares."""
    seen = walk.observed.get(node_id(scope, node))
    for k, (raw, output) in enumerate(zip(node.output, outputs, strict=False)):
        if not raw or output.shape is not None:
            continue
        found = seen.outputs[k] if seen and k < len(seen.outputs) else None
        claim = declared.get(text(raw))
        if found is not None:
            output.retype(found)
        elif claim is not None and not walk.rebound and static_shape(claim) is not None:
            output.retype(claim)


def _named(
    walk: Walk, scope: Scope, node: onnx.NodeProto, outputs: list[Known]
) -> list[Known | None]:
    """Give each output its unique name; None stands for an output that is left out."""
    named: list[Known | None] = []
    for raw, output in zip_longest(node.output, outputs[: len(node.output)]):
        known = output or opaque("")
        known.name = scope.prefix + text(raw)
        named.append(guarded(walk, label(node), known) if raw else None)
    return named


def _resolved(
    node: onnx.NodeProto, references: Mapping[str, onnx.AttributeProto]
) -> onnx.NodeProto:
    """Replace the attributes that refer to those of the function's call."""
    if not any(a.ref_attr_name for a in node.attribute):
        return node
    resolved = onnx.NodeProto()
    resolved.CopyFrom(node)
    del resolved.attribute[:]
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            resolved.attribute.append(attribute)
        elif attribute.ref_attr_name in references:
            given = resolved.attribute.add()
            given.CopyFrom(references[attribute.ref_attr_name])
            given.name = attribute.name
    return resolved


def _check_trips(walk: Walk) -> None:
    for name in walk.given_trips:
        if name not in walk.used_trips:
            raise BindingError(
                f"{walk.source}: --trips {name}: no Loop or Scan has this name or id"
            )
