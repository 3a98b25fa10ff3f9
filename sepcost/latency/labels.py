"""A copy of a model whose nodes and values have plain unique names.

ONNX Runtime derives the names of its kernels from those of nodes and values. In a file these may
repeat, be empty, or break the profile's JSON; with labels in their place, derived names still
contain the label. Functions are expanded, as ONNX Runtime itself does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import onnx

from sepcost.model.graphs import (
    FunctionKey,
    body_prefix,
    call_attributes,
    called,
    function_key,
    in_order,
    initializers,
    node_id,
    resolved,
    subgraphs,
)

TOKEN = re.compile(r"(node|value)-(\d+)-")

Names = Mapping[str, str]  # name of a value in the file -> name in the copy
Attributes = Mapping[str, onnx.AttributeProto]


@dataclass(slots=True)
class Labelled:
    """The copy, and the meaning of its labels."""

    model: onnx.ModelProto
    ids: dict[str, str] = field(default_factory=dict)  # node label -> layer id
    scopes: dict[str, str] = field(default_factory=dict)  # node label -> path of its graph
    producers: dict[str, str] = field(default_factory=dict)  # value label -> node label
    inputs: set[str] = field(default_factory=set)  # inputs of the graph and of its subgraphs
    inside: dict[str, list[str]] = field(default_factory=dict)  # node label -> those in its bodies
    functions: dict[FunctionKey, onnx.FunctionProto] = field(default_factory=dict)

    def next_value(self, node: str) -> str:
        """Make a label for another value of a node."""
        label = f"value-{len(self.producers)}-"
        self.producers[label] = node
        return label


def labelled(model: onnx.ModelProto) -> Labelled:
    """Label every node and value of a model, subgraphs and functions included, in place."""
    result = Labelled(model)
    for function in model.functions:
        result.functions[function_key(function)] = function
        known = {o.domain for o in model.opset_import}
        model.opset_import.extend(o for o in function.opset_import if o.domain not in known)
    _graph(result, model.graph, {}, {}, "")
    model.ClearField("functions")
    return result


def _graph(
    result: Labelled, graph: onnx.GraphProto, outer: Names, attributes: Attributes, prefix: str
) -> None:
    """Label one graph in place. Values from outer graphs keep their labels."""
    names = dict(outer)
    stored = list(initializers(graph))
    weights = {tensor.name for tensor in stored}
    result.inputs.update(value.name for value in graph.input if value.name not in weights)
    names |= {value.name: value.name for value in [*graph.input, *stored]}
    nodes = _nodes(result, in_order(graph.node), names, attributes, prefix)
    del graph.node[:]
    graph.node.extend(nodes)
    for output in graph.output:
        output.name = names.get(output.name, output.name)
    del graph.value_info[:]  # it uses the old names
    del graph.quantization_annotation[:]


def _nodes(
    result: Labelled,
    nodes: list[onnx.NodeProto],
    names: dict[str, str],
    attributes: Attributes,
    prefix: str,
) -> list[onnx.NodeProto]:
    """Label nodes that share a scope; their outputs are added to ``names``."""
    done: list[onnx.NodeProto] = []
    for node in nodes:
        node, id_ = resolved(node, attributes), node_id(prefix, node)  # noqa: PLW2901
        if function := result.functions.get(called(node)):
            done.extend(_expanded(result, node, function, names, id_))
        else:
            done.append(_one(result, node, names, attributes, (prefix, id_)))
    return done


def _one(
    result: Labelled,
    node: onnx.NodeProto,
    names: dict[str, str],
    attributes: Attributes,
    place: tuple[str, str],
) -> onnx.NodeProto:
    prefix, id_ = place
    node.name = f"node-{len(result.ids)}-"
    result.ids[node.name], result.scopes[node.name] = id_, prefix.rstrip("/")
    before = len(result.ids)
    for place_within, inner in subgraphs(node):
        _graph(result, inner, names, attributes, body_prefix(id_, place_within))
    result.inside[node.name] = list(result.ids)[before:]
    node.input[:] = [names.get(name, name) for name in node.input]
    fresh = {name: result.next_value(node.name) for name in node.output if name}
    node.output[:] = [fresh.get(name, "") for name in node.output]
    names |= fresh
    return node


def _expanded(
    result: Labelled,
    call: onnx.NodeProto,
    function: onnx.FunctionProto,
    names: dict[str, str],
    id_: str,
) -> list[onnx.NodeProto]:
    """Replace a call with the function's nodes."""
    inner = {
        formal: names.get(actual, actual)
        for formal, actual in zip(function.input, call.input, strict=False)
    }
    inner |= dict.fromkeys(function.input[len(call.input) :], "")
    body = [onnx.NodeProto.FromString(node.SerializeToString()) for node in function.node]
    nodes = _nodes(result, body, inner, call_attributes(function, call), f"{id_}/")
    for formal, actual in zip(function.output, call.output, strict=False):
        if actual:
            names[actual] = inner[formal]
    return nodes
