"""Free names: a new one collides with nothing, in whichever graph of the model."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from sepcost.model.graphs import graphs
from sepcost.model.values import text


class Names:
    """Every name in a model; calling it with a wanted name takes and returns a free one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._taken = {text(name) for graph in graphs(model) for name in _names(graph)}

    def __call__(self, wanted: str) -> str:
        """Return ``wanted``, with a number after it where it is taken."""
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
    yield from (tensor.name for tensor in graph.initializer)
    yield from (tensor.values.name for tensor in graph.sparse_initializer)
    for values in (graph.input, graph.output, graph.value_info):
        yield from (value.name for value in values)
