"""Hashes of the constants of a model, by the names that a ``Network`` gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import onnx
from onnx import TensorProto

from sepcost.errors import ModelError
from sepcost.model.dtypes import DTYPES
from sepcost.model.graphs import (
    FunctionKey,
    body_prefix,
    called,
    functions,
    initializers,
    node_id,
    subgraphs,
)
from sepcost.model.load import Loaded
from sepcost.model.provenance import NOT_LEARNED
from sepcost.model.tensors import content, folder, whole
from sepcost.model.values import text

Functions = Mapping[FunctionKey, onnx.FunctionProto]


def digests(loaded: Loaded) -> dict[str, str]:
    """Hash every stored tensor that may contain learned values.

    Raises
    ------
    ModelError
        If the data of a tensor is missing or truncated.
    """
    model = whole(loaded)
    home = folder(model)
    return {
        name: _digest(tensor, home)
        for name, tensor in _in_graph(model.proto.graph, "", functions(model.proto))
        if DTYPES.get(tensor.data_type, "") not in NOT_LEARNED
    }


def _digest(tensor: TensorProto, home: Path) -> str:
    """Hash type, shape and elements, however they are stored."""
    found = sha256(f"{tensor.data_type} {list(tensor.dims)} ".encode())
    try:
        array = content(tensor, home)
    except (TypeError, ValueError) as error:
        raise ModelError(f"tensor {text(tensor.name)!r}: cannot be read ({error})") from error
    found.update(array.tobytes())
    return found.hexdigest()


def _in_graph(
    graph: onnx.GraphProto, prefix: str, known: Functions
) -> Iterator[tuple[str, TensorProto]]:
    """Yield the stored tensors of a graph and of those within it."""
    for tensor in initializers(graph):
        yield prefix + text(tensor.name), tensor
    yield from _in_nodes(graph.node, prefix, known)


def _in_nodes(
    nodes: Iterable[onnx.NodeProto], prefix: str, known: Functions
) -> Iterator[tuple[str, TensorProto]]:
    for node in nodes:
        id_ = node_id(prefix, node)
        yield from ((id_, attribute.t) for attribute in node.attribute if attribute.HasField("t"))
        for place, graph in subgraphs(node):
            yield from _in_graph(graph, body_prefix(id_, place), known)
        if function := known.get(called(node)):
            yield from _in_nodes(function.node, f"{id_}/", known)
