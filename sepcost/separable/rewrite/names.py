"""New names that are free in every graph of a model."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from sepcost.model.graphs import graphs, initializers
from sepcost.model.values import text


class Names:
    """All names of a model; calling it with a wanted name reserves and returns a free one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._taken = {text(name) for graph in graphs(model) for name in _names(graph)}

    def __call__(self, wanted: str) -> str:
        """Return ``wanted``, followed by a number if it is taken."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


def _names(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[str | bytes]:
    for node in graph.node:
        yield node.name
        yield from node.input
        yield from node.output
    if isinstance(graph, onnx.FunctionProto):
        yield from graph.input
        yield from graph.output
        return
    yield from (tensor.name for tensor in initializers(graph))
    for values in (graph.input, graph.output, graph.value_info):
        yield from (value.name for value in values)
