"""Hashes of the constants of a model, by the names that a ``Network`` gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import onnx
from onnx import TensorProto

from sepcost.errors import ModelError
from sepcost.model.dtypes import DTYPES
from sepcost.model.graphs import body_prefix
from sepcost.model.load import Loaded
from sepcost.model.provenance import NOT_LEARNED
from sepcost.model.tensors import content, folder, whole
from sepcost.model.values import text

Function = tuple[str, str, str]


def digests(loaded: Loaded) -> dict[str, str]:
    """Hash every stored tensor that may contain learned values.

    Raises
    ------
    ModelError
        If the data of a tensor are missing or truncated.
    """
    model = whole(loaded)
    functions = {(f.domain, f.name, getattr(f, "overload", "")): f for f in model.proto.functions}
    home = folder(model)
    return {
        name: _digest(tensor, home)
        for name, tensor in _Walk(functions).graph(model.proto.graph, "")
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


@dataclass(frozen=True, slots=True)
class _Walk:
    functions: dict[Function, onnx.FunctionProto]

    def graph(self, graph: onnx.GraphProto, prefix: str) -> Iterator[tuple[str, TensorProto]]:
        """Yield the stored tensors of a graph and of those within it."""
        for tensor in graph.initializer:
            yield prefix + text(tensor.name), tensor
        for sparse in graph.sparse_initializer:
            yield prefix + text(sparse.values.name), sparse.values
        yield from self._nodes(graph.node, prefix)

    def _nodes(
        self, nodes: Iterable[onnx.NodeProto], prefix: str
    ) -> Iterator[tuple[str, TensorProto]]:
        for node in nodes:
            first = next((text(name) for name in node.output if name), "")
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield prefix + first, attribute.t
                yield from self._within(attribute, prefix + first)
            key = (node.domain, node.op_type, getattr(node, "overload", ""))
            if function := self.functions.get(key):
                yield from self._nodes(function.node, f"{prefix}{first}/")

    def _within(
        self, attribute: onnx.AttributeProto, id_: str
    ) -> Iterator[tuple[str, TensorProto]]:
        inner = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
        for number, graph in enumerate(inner):
            yield from self.graph(graph, body_prefix(id_, f"{attribute.name}{number or ''}"))
