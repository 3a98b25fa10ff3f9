"""Execution order: nodes after whatever writes what they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

import onnx

from sepcost.errors import ModelError
from sepcost.model.values import text
from sepcost.model.walk_state import Scope, label

Name = str | bytes  # protobuf hands names that are no UTF-8 over as bytes


def in_order(
    graph: onnx.GraphProto | onnx.FunctionProto, scope: Scope, source: str
) -> Sequence[onnx.NodeProto]:
    """Return the nodes of a graph or function so that each comes after those that it reads from.

    As they stand, where they already do: nearly every model is sorted.

    Raises
    ------
    ModelError
        Where nodes read each other in a circle.
    """
    nodes = list(graph.node)
    reads = [tuple(_reads(node)) for node in nodes]
    writers = {name: k for k, node in enumerate(nodes) for name in node.output if name}
    if all(writers.get(name, -1) < k for k, names in enumerate(reads) for name in names):
        return nodes
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for k, names in enumerate(reads):
        sorter.add(k, *(writers[n] for n in names if n in writers and not scope.find(text(n))))
    try:
        return [nodes[k] for k in sorter.static_order()]
    except CycleError as error:
        circle = ", ".join(label(nodes[k]) for k in error.args[1][:4])
        raise ModelError(
            f"{source}: nodes read each other in a circle ({circle}); export the model again"
        ) from error


def _reads(node: onnx.NodeProto) -> Iterator[Name]:
    """Yield what a node reads, and what its graphs read from around them."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield from _free(attribute.g)
        for graph in attribute.graphs:
            yield from _free(graph)


def _free(graph: onnx.GraphProto) -> Iterator[Name]:
    """Yield the names that a graph reads and does not define itself."""
    own: set[Name] = {value.name for value in graph.input}
    own.update(tensor.name for tensor in graph.initializer)
    own.update(tensor.values.name for tensor in graph.sparse_initializer)
    own.update(name for node in graph.node for name in node.output)
    for node in graph.node:
        yield from (name for name in _reads(node) if name not in own)
    yield from (value.name for value in graph.output if value.name not in own)
