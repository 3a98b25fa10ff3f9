"""Walk one graph or function body, node by node: fold, infer, complete and name its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from math import prod

import onnx
from onnx import TypeProto

from sepcost.cost.conv_checks import check
from sepcost.cost.geometry import CONVOLUTIONS
from sepcost.errors import ModelError
from sepcost.model.constants import constant, guarded, initializer
from sepcost.model.control import Holder, Inputs, call, if_, other
from sepcost.model.fold import fold
from sepcost.model.graphs import (
    STANDARD,
    Body,
    called,
    has_subgraphs,
    in_order,
    label,
    node_id,
    resolved,
)
from sepcost.model.loop import loop
from sepcost.model.provenance import RANDOM, carried, mark
from sepcost.model.scan import scan
from sepcost.model.shortcuts import shortcut
from sepcost.model.values import Known, bound_type, opaque, static_shape, text
from sepcost.model.walk_state import Scope, WalkState

CONTROL: Mapping[str, Callable[[Holder, Inputs], list[Known]]] = {
    "If": if_,
    "Loop": loop,
    "Scan": scan,
}


Declared = Mapping[str, TypeProto]


def walk(state: WalkState, scope: Scope, graph: Body) -> list[Known]:
    """Walk a graph or function body in execution order and return its outputs.

    Raises
    ------
    ModelError
        If the graph contradicts itself.
    """
    state.enter(scope, len(graph.node))
    if isinstance(graph, onnx.FunctionProto):
        declared = {text(v.name): v.type for v in graph.value_info}
        outputs = [text(name) for name in graph.output]
    else:
        declared = {text(v.name): v.type for v in (*graph.value_info, *graph.output)}
        outputs = [text(value.name) for value in graph.output]
        for tensor in graph.initializer:
            initializer(state, scope, tensor, tuple(tensor.dims))
        for sparse in graph.sparse_initializer:
            initializer(state, scope, sparse.values, tuple(sparse.dims))
    for node in in_order(graph.node, state.source, lambda name: scope.find(text(name)) is not None):
        _node(state, scope, node, declared)
    return [_output(state, scope, name) for name in outputs]


def _output(state: WalkState, scope: Scope, name: str) -> Known:
    known = scope.find(name)
    if known is None:
        raise ModelError(
            f"{state.source}: no node writes the output {name!r}; export the model again"
        )
    state.read.add(known.name)
    return known


def _node(state: WalkState, scope: Scope, node: onnx.NodeProto, declared: Declared) -> None:
    if scope.references is not None:
        node = resolved(node, scope.references)
    inputs = state.inputs(scope, node)
    op_type = node.op_type
    function = state.functions.get(called(node)) if state.functions else None
    if function is not None:
        called_ = call(_holder(state, scope, node), function, inputs)
        for raw, known in zip(node.output, called_, strict=False):
            state.bind(scope, node, text(raw), known)
        return
    problem = ""
    if op_type in CONTROL and node.domain in STANDARD:
        outputs = CONTROL[op_type](_holder(state, scope, node), inputs)
    elif has_subgraphs(node):
        outputs = other(_holder(state, scope, node), inputs)
    else:
        outputs, problem = _plain_outputs(state, scope, node, inputs)
    _complete(state, scope, node, outputs, declared)
    state.emit(scope, node, inputs, _named(state, scope, node, outputs), problem)


def _holder(state: WalkState, scope: Scope, node: onnx.NodeProto) -> Holder:
    return Holder(state, scope, node, lambda inner, graph: walk(state, inner, graph))


def _plain_outputs(
    state: WalkState, scope: Scope, node: onnx.NodeProto, inputs: Inputs
) -> tuple[list[Known], str]:
    """Return the outputs of a node without subgraphs, and what is wrong with it."""
    if node.op_type == "Constant" and node.domain in STANDARD:
        return [constant(state, scope, node)], ""
    outputs = fold(node, inputs)
    problem = ""
    if outputs is None:
        outputs, problem = _inferred(state, scope, node, inputs)
    op_type = node.op_type
    fixed = bool(inputs) and all(known is None or known.constant for known in inputs)
    for output in outputs:
        output.constant = fixed and op_type not in RANDOM
        output.parameters = carried(called(node)[:2], inputs) if output.constant else ()
    mark(op_type, inputs, outputs)
    if op_type == "ConstantOfShape" and outputs and outputs[0].constant:
        outputs[0].name = node_id(scope.prefix, node)
        state.learn(outputs[0])
    return outputs, problem


def _inferred(
    state: WalkState, scope: Scope, node: onnx.NodeProto, inputs: Inputs
) -> tuple[list[Known], str]:
    """Infer the output types; a contradiction is refused, or noted if the node may never run.

    A node that an observed run has executed is never refused.
    """
    try:
        if called(node)[:2] in CONVOLUTIONS:
            check(state.layer(scope, node, inputs, [None] * len(node.output)))
        opset = scope.opset(node.domain)
        quick = shortcut(node, inputs, opset)
        if quick is not None:
            return [quick], ""
        from sepcost.model.infer import infer  # noqa: PLC0415 - many models need no question

        types = infer(node, inputs, opset, state.ir_version)
        for type_ in types:
            _check_sizes(type_)
        if node.op_type == "Reshape":
            _check_elements(inputs[0], types[0])
    except misfits() as error:
        if state.shown(scope, node):
            return [opaque("") for _ in node.output], ""
        reason = " ".join(str(error).split()).removeprefix(f"{label(node)}: ")
        if scope.soft:
            return [opaque("") for _ in node.output], f"contradicts itself: {reason}"
        raise ModelError(
            f"{state.source}: {label(node)}: {reason}"
            " (check the bound sizes, or export the model again)"
        ) from error
    return [Known("", type_) for type_ in types], ""


def misfits() -> tuple[type[Exception], ...]:
    """What inference raises if a node and its inputs do not fit together."""
    from onnx.onnx_cpp2py_export.checker import ValidationError  # noqa: PLC0415 - slow
    from onnx.shape_inference import InferenceError  # noqa: PLC0415 - slow

    return (
        ModelError, InferenceError, ValidationError, ArithmeticError, AttributeError, LookupError,
        RuntimeError, TypeError, ValueError,
    )  # fmt: skip


def _check_sizes(type_: TypeProto) -> None:
    sizes = [dim.dim_value for dim in type_.tensor_type.shape.dim]
    if any(size < 0 for size in sizes):
        raise ValueError(f"its output would have the impossible shape {sizes}")


def _check_elements(before: Known | None, after: TypeProto) -> None:
    """ONNX infers a Reshape to constant sizes without checking the number of elements."""
    old, new = before.shape if before else None, static_shape(after)
    if old is not None and new is not None and prod(old) != prod(new):
        raise ValueError(f"{list(old)} cannot be reshaped to {list(new)}")


def _complete(
    state: WalkState, scope: Scope, node: onnx.NodeProto, outputs: list[Known], declared: Declared
) -> None:
    """Prefer the types of an observed run; complete what is still open by the declarations."""
    shown = state.shown(scope, node)
    if not shown and None not in [output.shape for output in outputs]:
        return
    for raw, output, seen in zip_longest(node.output, outputs[: len(node.output)], shown):
        if not raw or output is None:
            continue
        if seen is not None and static_shape(seen) != output.shape:
            output.retype(seen)
        elif output.shape is None and text(raw) in declared and not state.rebound:
            claim = bound_type(declared[text(raw)], state.bindings)
            if output.type.WhichOneof("value") is None or static_shape(claim) is not None:
                output.retype(claim)


def _named(
    state: WalkState, scope: Scope, node: onnx.NodeProto, outputs: list[Known]
) -> list[Known | None]:
    """Give each output its unique name; an output that is left out is None."""
    named: list[Known | None] = []
    for raw, output in zip_longest(node.output, outputs[: len(node.output)]):
        known = output or opaque("")
        known.name = scope.prefix + text(raw)
        named.append(guarded(state, node, known) if raw else None)
    return named
