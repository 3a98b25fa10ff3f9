"""A copy of a model whose nodes and values have plain unique names.

ONNX Runtime derives the names of its kernels from those of nodes and values, which in a file may
repeat, be empty, or hold what breaks the profile's JSON. With labels in their place, whatever it
makes of them still holds the label. Functions are expanded, as ONNX Runtime itself does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

import onnx

from sepcost.model.values import text
from sepcost.model.walk_state import body_prefix

TOKEN = re.compile(r"(node|value)-(\d+)-")

Names = Mapping[str, str]  # what a value of the file is called in the copy
Attributes = Mapping[str, onnx.AttributeProto]


@dataclass(slots=True)
class Labelled:
    """The copy, and what its labels stand for."""

    model: onnx.ModelProto
    ids: dict[str, str] = field(default_factory=dict)  # node label -> layer id
    scopes: dict[str, str] = field(default_factory=dict)  # node label -> path of its graph
    producers: dict[str, str] = field(default_factory=dict)  # value label -> node label
    inputs: set[str] = field(default_factory=set)  # values that are fed, into subgraphs too
    functions: dict[tuple[str, str, str], onnx.FunctionProto] = field(default_factory=dict)

    def next_value(self, node: str) -> str:
        """Make a label for one more value of a node."""
        label = f"value-{len(self.producers)}-"
        self.producers[label] = node
        return label


def labelled(model: onnx.ModelProto) -> Labelled:
    """Label every node and value of a model, subgraphs and functions included, in place."""
    result = Labelled(model)
    for function in model.functions:
        key = (function.domain, function.name, getattr(function, "overload", ""))
        result.functions[key] = function
        known = {o.domain for o in model.opset_import}
        model.opset_import.extend(o for o in function.opset_import if o.domain not in known)
    _graph(result, model.graph, {}, "")
    model.ClearField("functions")
    return result


def walk(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield every node, those of its subgraphs first."""
    for node in graph.node:
        for attribute in node.attribute:
            for inner in _graphs(attribute):
                yield from walk(inner)
        yield node


def reads(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the values that a node reads, those that its subgraphs take from outside included."""
    yield from node.input
    for attribute in node.attribute:
        for graph in _graphs(attribute):
            for inner in graph.node:
                yield from reads(inner)
            yield from (output.name for output in graph.output)


def _graphs(attribute: onnx.AttributeProto) -> list[onnx.GraphProto]:
    return [attribute.g] if attribute.HasField("g") else list(attribute.graphs)


def _graph(result: Labelled, graph: onnx.GraphProto, outer: Names, prefix: str) -> None:
    """Label one graph in place. Values that come from outside keep what they are called there."""
    names = dict(outer)
    stored = [*graph.initializer, *(s.values for s in graph.sparse_initializer)]
    weights = {tensor.name for tensor in stored}
    result.inputs.update(value.name for value in graph.input if value.name not in weights)
    names |= {value.name: value.name for value in [*graph.input, *stored]}
    nodes = _nodes(result, _in_order(list(graph.node)), names, {}, prefix)
    del graph.node[:]
    graph.node.extend(nodes)
    for output in graph.output:
        output.name = names.get(output.name, output.name)
    del graph.value_info[:]  # under names that are no more
    del graph.quantization_annotation[:]


def _in_order(nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Return nodes after those that they read; ONNX Runtime has loaded them, so there is a way."""
    writers = {name: k for k, node in enumerate(nodes) for name in node.output if name}
    before = {k: [writers[n] for n in reads(node) if n in writers] for k, node in enumerate(nodes)}
    if all(max(earlier, default=-1) < k for k, earlier in before.items()):
        return nodes
    return [nodes[k] for k in TopologicalSorter(before).static_order()]


def _nodes(
    result: Labelled,
    nodes: list[onnx.NodeProto],
    names: dict[str, str],
    attributes: Attributes,
    prefix: str,
) -> list[onnx.NodeProto]:
    """Label nodes that share a scope; ``names`` gains what they produce."""
    done: list[onnx.NodeProto] = []
    for node in nodes:
        first = next((text(name) for name in node.output if name), text(node.name) or node.op_type)
        _resolve(node, attributes)
        key = (node.domain, node.op_type, getattr(node, "overload", ""))
        if function := result.functions.get(key):
            done.extend(_expanded(result, node, function, names, prefix + first))
        else:
            done.append(_one(result, node, names, (prefix, prefix + first)))
    return done


def _one(
    result: Labelled, node: onnx.NodeProto, names: dict[str, str], place: tuple[str, str]
) -> onnx.NodeProto:
    prefix, id_ = place
    node.name = f"node-{len(result.ids)}-"
    result.ids[node.name], result.scopes[node.name] = id_, prefix.rstrip("/")
    for attribute in node.attribute:
        for number, inner in enumerate(_graphs(attribute)):
            path = body_prefix(id_, f"{attribute.name}{number or ''}")
            _graph(result, inner, names, path)
    node.input[:] = [names.get(name, name) for name in node.input]
    fresh = {name: result.next_value(node.name) for name in node.output if name}
    node.output[:] = [fresh.get(name, "") for name in node.output]
    names |= fresh
    return node


def _resolve(node: onnx.NodeProto, attributes: Attributes) -> None:
    """Replace references to the attributes of the function call that a node stands in."""
    kept = []
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            kept.append(attribute)
        elif given := attributes.get(attribute.ref_attr_name):
            copy = onnx.AttributeProto()
            copy.CopyFrom(given)
            copy.name = attribute.name
            kept.append(copy)
    kept = [onnx.AttributeProto.FromString(a.SerializeToString()) for a in kept]
    del node.attribute[:]
    node.attribute.extend(kept)


def _expanded(
    result: Labelled,
    call: onnx.NodeProto,
    function: onnx.FunctionProto,
    names: dict[str, str],
    id_: str,
) -> list[onnx.NodeProto]:
    """Put a function's nodes in the place of its call."""
    inner = {
        formal: names.get(actual, actual)
        for formal, actual in zip(function.input, call.input, strict=False)
    }
    inner |= dict.fromkeys(function.input[len(call.input) :], "")
    attributes = {a.name: a for a in [*function.attribute_proto, *call.attribute]}
    body = [onnx.NodeProto.FromString(node.SerializeToString()) for node in function.node]
    nodes = _nodes(result, body, inner, attributes, f"{id_}/")
    for formal, actual in zip(function.output, call.output, strict=False):
        if actual:
            names[actual] = inner[formal]
    return nodes
