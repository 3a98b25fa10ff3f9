"""One graph or function body, node by node: fold, infer, complete, name, note whose weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from math import prod

import onnx
from onnx import TypeProto
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError

from sepcost.cost.conv_checks import check
from sepcost.cost.geometry import CONVOLUTIONS
from sepcost.errors import ModelError
from sepcost.model.constants import constant, guarded, initializer
from sepcost.model.control import Graph, Inputs, Site, call, if_, key_of, other
from sepcost.model.fold import fold
from sepcost.model.infer import STANDARD, infer
from sepcost.model.loop import loop
from sepcost.model.order import in_order
from sepcost.model.provenance import RANDOM, carried, mark
from sepcost.model.references import resolved
from sepcost.model.scan import scan
from sepcost.model.values import Known, bound_type, opaque, static_shape, text
from sepcost.model.walk_state import Scope, Walk, label, node_id

CONTROL: Mapping[str, Callable[[Site, Inputs], list[Known]]] = {
    "If": if_,
    "Loop": loop,
    "Scan": scan,
}

#: What inference raises where a node and its inputs do not fit each other.
MISFITS = (
    ModelError, InferenceError, ValidationError, ArithmeticError, AttributeError, LookupError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip

Declared = Mapping[str, TypeProto]


def visit(walk: Walk, scope: Scope, graph: Graph) -> list[Known]:
    """Walk a graph, or the body of a function, in execution order and return its outputs.

    Raises
    ------
    ModelError
        Where it contradicts itself.
    """
    walk.enter(scope, len(graph.node))
    if isinstance(graph, onnx.FunctionProto):
        declared = {text(v.name): v.type for v in graph.value_info}
        outputs = [text(name) for name in graph.output]
    else:
        declared = {text(v.name): v.type for v in (*graph.value_info, *graph.output)}
        outputs = [text(value.name) for value in graph.output]
        for tensor in graph.initializer:
            initializer(walk, scope, tensor, tuple(tensor.dims))
        for sparse in graph.sparse_initializer:
            initializer(walk, scope, sparse.values, tuple(sparse.dims))
    for node in in_order(graph, scope, walk.source):
        _node(walk, scope, node, declared)
    return [_output(walk, scope, name) for name in outputs]


def _output(walk: Walk, scope: Scope, name: str) -> Known:
    known = scope.find(name)
    if known is None:
        raise ModelError(
            f"{walk.source}: the output {name!r} is written by no node; export the model again"
        )
    walk.read.add(known.name)
    return known


def _node(walk: Walk, scope: Scope, node: onnx.NodeProto, declared: Declared) -> None:
    if scope.references is not None:
        node = resolved(node, scope.references)
    inputs = walk.inputs(scope, node)
    site = Site(walk, scope, node, lambda inner, graph: visit(walk, inner, graph))
    function = walk.functions.get(key_of(node)) if walk.functions else None
    if function is not None:
        for raw, known in zip(node.output, call(site, function, inputs), strict=False):
            walk.bind(scope, node, text(raw), known)
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
        output.parameters = carried(key_of(node)[:2], inputs) if output.constant else ()
    mark(node.op_type, inputs, outputs)
    if node.op_type == "ConstantOfShape" and outputs and outputs[0].constant:
        outputs[0].name = node_id(scope, node)
        walk.learn(outputs[0])
    return outputs, problem


def _types(
    walk: Walk, scope: Scope, node: onnx.NodeProto, inputs: Inputs
) -> tuple[list[TypeProto], str]:
    """Infer; what contradicts itself is refused, or only noted where the node may never run.

    What a run showed did run, whatever is thought of it here.
    """
    try:
        if key_of(node)[:2] in CONVOLUTIONS:
            check(walk.layer(scope, node, inputs, [None] * len(node.output)))
        types = infer(node, inputs, scope.opset(node.domain), walk.ir_version)
        for type_ in types:
            _check_sizes(type_)
        if node.op_type == "Reshape":
            _check_elements(inputs[0], types[0])
    except MISFITS as error:
        if walk.shown(scope, node):
            return [TypeProto() for _ in node.output], ""
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


def _check_elements(before: Known | None, after: TypeProto) -> None:
    """ONNX infers a Reshape to constant sizes without a look at what is reshaped."""
    old, new = before.shape if before else None, static_shape(after)
    if old is not None and new is not None and prod(old) != prod(new):
        raise ValueError(f"{list(old)} cannot be reshaped to {list(new)}")


def _complete(
    walk: Walk, scope: Scope, node: onnx.NodeProto, outputs: list[Known], declared: Declared
) -> None:
    """Take what a run showed before what was inferred; what is open then, the model may declare."""
    shown = walk.shown(scope, node)
    for raw, output, seen in zip_longest(node.output, outputs[: len(node.output)], shown):
        if not raw or output is None:
            continue
        if seen is not None and static_shape(seen) != output.shape:
            output.retype(seen)
        elif output.shape is None and text(raw) in declared and not walk.rebound:
            claim = bound_type(declared[text(raw)], walk.bindings)
            if output.type.WhichOneof("value") is None or static_shape(claim) is not None:
                output.retype(claim)


def _named(
    walk: Walk, scope: Scope, node: onnx.NodeProto, outputs: list[Known]
) -> list[Known | None]:
    """Give each output its unique name; None stands for an output that is left out."""
    named: list[Known | None] = []
    for raw, output in zip_longest(node.output, outputs[: len(node.output)]):
        known = output or opaque("")
        known.name = scope.prefix + text(raw)
        named.append(guarded(walk, node, known) if raw else None)
    return named
