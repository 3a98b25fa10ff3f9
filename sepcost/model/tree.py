"""Every graph of a model: the main one, those within nodes, the bodies of functions."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

Body = onnx.GraphProto | onnx.FunctionProto


def roots(model: onnx.ModelProto) -> Iterator[Body]:
    """Yield the main graph and the functions: what has names of its own."""
    yield model.graph
    yield from model.functions


def tree(root: Body) -> Iterator[Body]:
    """Yield a graph and the graphs within its nodes, which see its names."""
    stack = [root]
    while stack:
        graph = stack.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    stack.append(attribute.g)
                stack.extend(attribute.graphs)


def graphs(model: onnx.ModelProto) -> Iterator[Body]:
    """Yield every graph of a model."""
    for root in roots(model):
        yield from tree(root)


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor that a model stores, whatever holds it."""
    for graph in graphs(model):
        if isinstance(graph, onnx.GraphProto):
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from _held(attribute)


def _held(attribute: onnx.AttributeProto) -> Iterator[onnx.TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    sparse = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
    for one in (*sparse, *attribute.sparse_tensors):
        yield from (one.values, one.indices)
