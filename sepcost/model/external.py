"""The files beside a model that hold its weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx

from sepcost.model.load import load
from sepcost.model.values import text


def files(path: Path) -> tuple[Path, ...]:
    """Where an ONNX file keeps external data, each file once, whether it is there or not.

    Raises
    ------
    ModelError
        Where the file is no ONNX model, or points outside its folder.
    """
    proto = load(path).proto
    names = {
        text(entry.value)
        for tensor in _tensors(proto.graph)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return tuple(path.parent / name for name in sorted(names - {path.name}))


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)
