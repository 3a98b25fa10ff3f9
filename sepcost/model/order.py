"""Execution order: nodes after whatever writes what they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

import onnx

from sepcost.errors import ModelError
from sepcost.model.values import text
from sepcost.model.walk import Scope, label


def in_order(graph: onnx.GraphProto, scope: Scope, source: str) -> Sequence[onnx.NodeProto]:
    """Return the nodes of a graph so that each comes after those that it reads from.

    As they stand, where they already do: nearly every model is sorted.

    Raises
    ------
    ModelError
        Where nodes read each other in a circle.
    """
    nodes = list(graph.node)
    reads = [tuple(_reads(node)) for node in nodes]
    if _is_sorted(nodes, reads, scope):
        return nodes
    writers = {name: k for k, node in enumerate(nodes) for name in node.output if name}
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for k, names in enumerate(reads):
        sorter.add(k, *(writers[name] for name in names if name in writers))
    try:
        return [nodes[k] for k in sorter.static_order()]
    except CycleError as error:
        circle = ", ".join(label(nodes[k]) for k in error.args[1][:4])
        raise ModelError(
            f"{source}: nodes read each other in a circle ({circle}); export the model again"
        ) from error


def _is_sorted(
    nodes: Sequence[onnx.NodeProto], reads: Sequence[Sequence[str | bytes]], scope: Scope
) -> bool:
    written: set[str | bytes] = set()
    later = {name for node in nodes for name in node.output if name}
    for node, names in zip(nodes, reads, strict=True):
        if any(name in later and name not in written for name in names):
            return not any(scope.find(text(name)) is None for name in names if name in later)
        written.update(node.output)
    return True


def _reads(node: onnx.NodeProto) -> Iterator[str | bytes]:
    """Yield what a node reads, and what its subgraphs may read from around them."""
    yield from (name for name in node.input if name)
    graphs = [a.g for a in node.attribute if a.HasField("g")]
    while graphs:
        graph = graphs.pop()
        for inner in graph.node:
            yield from (name for name in inner.input if name)
            graphs.extend(a.g for a in inner.attribute if a.HasField("g"))
        yield from (output.name for output in graph.output)
