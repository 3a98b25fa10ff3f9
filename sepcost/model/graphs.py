"""Walking ONNX: the graphs of a model, their nodes, what a node reads, and in which order they run.

Names stay as protobuf returns them: bytes if they are not valid UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import onnx

from sepcost.errors import ModelError
from sepcost.model.values import text

Name = str | bytes
Body = onnx.GraphProto | onnx.FunctionProto
FunctionKey = tuple[str, str, str]  # domain, name, overload

#: The field that holds the value of an attribute, by its type.
FIELDS: Mapping[int, str] = {
    onnx.AttributeProto.FLOAT: "f", onnx.AttributeProto.FLOATS: "floats",
    onnx.AttributeProto.INT: "i", onnx.AttributeProto.INTS: "ints",
    onnx.AttributeProto.STRING: "s", onnx.AttributeProto.STRINGS: "strings",
    onnx.AttributeProto.TENSOR: "t", onnx.AttributeProto.TENSORS: "tensors",
    onnx.AttributeProto.SPARSE_TENSOR: "sparse_tensor",
    onnx.AttributeProto.SPARSE_TENSORS: "sparse_tensors",
    onnx.AttributeProto.GRAPH: "g", onnx.AttributeProto.GRAPHS: "graphs",
    onnx.AttributeProto.TYPE_PROTO: "tp", onnx.AttributeProto.TYPE_PROTOS: "type_protos",
}  # fmt: skip

_GRAPHS = frozenset({onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS})

#: The two spellings of ONNX's own domain.
STANDARD = frozenset({"", "ai.onnx"})


def roots(model: onnx.ModelProto) -> Iterator[Body]:
    """Yield the main graph and the functions: each has names of its own."""
    yield model.graph
    yield from model.functions


def root_name(root: Body) -> str:
    """Name a root uniquely within its model; the main graph is ``""``."""
    if isinstance(root, onnx.FunctionProto):
        return f"function {root.domain}:{root.name}:{root.overload}/"
    return ""


def tree(root: Body) -> Iterator[Body]:
    """Yield a graph and all its subgraphs, which see its names."""
    stack = [root]
    while stack:
        graph = stack.pop()
        yield graph
        for node in graph.node:
            if has_subgraphs(node):
                stack.extend(inner for _, inner in subgraphs(node))


def graphs(model: onnx.ModelProto) -> Iterator[Body]:
    """Yield every graph of a model."""
    for root in roots(model):
        yield from tree(root)


def attribute_value(attribute: onnx.AttributeProto) -> Any:
    """Return the value of an attribute; a list if it may hold several.

    Raises
    ------
    LookupError
        If its type is unknown.
    """
    field = FIELDS[attribute.type]
    value = getattr(attribute, field)
    return list(value) if field.endswith("s") and field != "s" else value


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node as Python values, without subgraphs and unknown types."""
    return {
        a.name: attribute_value(a)
        for a in node.attribute
        if a.type not in _GRAPHS and a.type and not a.ref_attr_name
    }


def subgraphs(node: onnx.NodeProto) -> Iterator[tuple[str, onnx.GraphProto]]:
    """Yield the graphs in a node's attributes, each with the name of its place.

    The name is that of the attribute, numbered from the second graph on: ``body``, ``body1``.
    """
    for attribute in node.attribute:
        own = [attribute.g] if attribute.HasField("g") else []
        for number, graph in enumerate([*own, *attribute.graphs]):
            yield f"{text(attribute.name)}{number or ''}", graph


def has_subgraphs(node: onnx.NodeProto) -> bool:
    """Whether any attribute of a node is a graph."""
    for attribute in node.attribute:  # noqa: SIM110 - a generator takes twice as long
        if attribute.HasField("g") or attribute.graphs:
            return True
    return False


def nodes(root: Body) -> Iterator[onnx.NodeProto]:
    """Yield every node of a graph, those of a subgraph before the node that contains it."""
    for node in root.node:
        for _, graph in subgraphs(node):
            yield from nodes(graph)
        yield node


def initializers(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield the tensors that a graph stores by name; of a sparse one, its values."""
    yield from graph.initializer
    yield from (sparse.values for sparse in graph.sparse_initializer)


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor that a model stores: initializers, and those in attributes."""
    for graph in graphs(model):
        if isinstance(graph, onnx.GraphProto):
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from _attribute_tensors(attribute)


def _attribute_tensors(attribute: onnx.AttributeProto) -> Iterator[onnx.TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    if attribute.HasField("sparse_tensor"):
        yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
    for sparse in attribute.sparse_tensors:
        yield from (sparse.values, sparse.indices)


def reads(node: onnx.NodeProto) -> Iterator[Name]:
    """Yield the names that a node reads, including what its subgraphs read from outside."""
    yield from filter(None, node.input)
    if has_subgraphs(node):
        for _, graph in subgraphs(node):
            yield from _outer_reads(graph)


def _outer_reads(graph: onnx.GraphProto) -> Iterator[Name]:
    """Yield the names that a graph reads but does not define."""
    own: set[Name] = {value.name for value in graph.input}
    own.update(tensor.name for tensor in initializers(graph))
    own.update(name for node in graph.node for name in node.output)
    for node in graph.node:
        yield from (name for name in reads(node) if name not in own)
    yield from (value.name for value in graph.output if value.name not in own)


def in_order(
    unsorted: Iterable[onnx.NodeProto],
    source: str = "model",
    is_outer: Callable[[Name], bool] = lambda _: False,
) -> list[onnx.NodeProto]:
    """Sort nodes so that each comes after the nodes that it reads from.

    Nearly every model is sorted already; its nodes then keep their order.

    Parameters
    ----------
    unsorted
        The nodes of one graph or function.
    source
        The model, as error messages call it.
    is_outer
        Whether a name is defined outside these nodes; reading it imposes no order.

    Raises
    ------
    ModelError
        If nodes read each other in a cycle.
    """
    given = list(unsorted)
    inputs = [tuple(reads(node)) for node in given]
    writers = {name: k for k, node in enumerate(given) for name in node.output if name}
    if all(writers.get(name, -1) < k for k, names in enumerate(inputs) for name in names):
        return given
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for k, names in enumerate(inputs):
        sorter.add(k, *(writers[name] for name in names if name in writers and not is_outer(name)))
    try:
        return [given[k] for k in sorter.static_order()]
    except CycleError as error:
        cycle = ", ".join(label(given[k]) for k in error.args[1][:4])
        raise ModelError(
            f"{source}: nodes read each other in a cycle ({cycle}); export the model again"
        ) from error


def functions(model: onnx.ModelProto) -> dict[FunctionKey, onnx.FunctionProto]:
    """Return the local functions of a model by the key that calls use."""
    return {function_key(function): function for function in model.functions}


def function_key(function: onnx.FunctionProto) -> FunctionKey:
    """Return the key by which nodes call a function."""
    return _key(function.domain, function.name, function.overload)


def called(node: onnx.NodeProto) -> FunctionKey:
    """Return the key of the function that a node calls, if the model has it."""
    return _key(node.domain, node.op_type, node.overload)


def _key(domain: str, name: str, overload: str) -> FunctionKey:
    return "" if domain in STANDARD else domain, name, overload


def resolved(node: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]) -> onnx.NodeProto:
    """Replace references to a function's attributes with the attributes ``given`` in its call.

    A reference to an attribute that the call leaves out is dropped.
    """
    if not any(attribute.ref_attr_name for attribute in node.attribute):
        return node
    result = onnx.NodeProto()
    result.CopyFrom(node)
    del result.attribute[:]
    for attribute in node.attribute:
        actual = given.get(attribute.ref_attr_name, attribute)
        if not actual.ref_attr_name:
            result.attribute.add().CopyFrom(actual)
            result.attribute[-1].name = text(attribute.name)
    return result


def call_attributes(
    function: onnx.FunctionProto, call: onnx.NodeProto
) -> dict[str, onnx.AttributeProto]:
    """Return what attributes within a function may refer to: its defaults, then the call's."""
    return {a.name: a for a in (*function.attribute_proto, *call.attribute)}


def node_id(prefix: str, node: onnx.NodeProto) -> str:
    """Return the layer id of a node in the graph whose path is ``prefix``.

    It ends in the node's first output, the only name that ONNX requires to be unique.
    """
    outputs = node.output
    first = outputs[0] if outputs else ""
    return prefix + text(first or next(filter(None, (*outputs, node.name, node.op_type)), ""))


def body_prefix(id_: str, place: str) -> str:
    """Return the path of the subgraph at a ``place`` (see ``subgraphs``) of the node ``id_``."""
    side = {"then_branch": "then", "else_branch": "else"}.get(place, place)
    return f"{id_}.{side}/"


def label(node: onnx.NodeProto) -> str:
    """Name a node in a message."""
    name = text(node.name) or next((text(output) for output in node.output if output), "")
    return f"{text(node.op_type)} {name!r}"
