"""The part of a model between values that are given and values that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx
from onnx import helper

from sepcost.model.graphs import Name, reads

_KEPT = ("initializer", "sparse_initializer", "input", "node", "output", "value_info")


def cut(
    proto: onnx.ModelProto, wanted: Sequence[str], given: Mapping[str, int] | None = None
) -> onnx.ModelProto:
    """The nodes that compute ``wanted`` from ``given``, and the weights that they read.

    Parameters
    ----------
    proto
        The model; weights that the part does not need are not copied.
    wanted
        Values of the main graph: the part's outputs.
    given
        ONNX types of values of the main graph that become inputs of any shape.
    """
    given = given or {}
    graph = proto.graph
    kept, needed = _back(graph.node, wanted, given)
    result = _shell(proto)
    part = result.graph
    part.node.extend(reversed(kept))
    part.input.extend(helper.make_tensor_value_info(n, t, None) for n, t in given.items())
    part.input.extend(one for one in graph.input if one.name in needed - set(given))
    part.initializer.extend(one for one in graph.initializer if one.name in needed - set(given))
    part.sparse_initializer.extend(
        one for one in graph.sparse_initializer if one.values.name in needed - set(given)
    )
    part.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(wanted))
    return result


def _back(
    nodes: Sequence[onnx.NodeProto], wanted: Iterable[str], given: Mapping[str, int]
) -> tuple[list[onnx.NodeProto], set[Name]]:
    """Nodes, last first, and names that the wanted values need."""
    needed: set[Name] = set(wanted)
    kept = []
    for node in reversed(nodes):
        if needed.difference(given).intersection(node.output):
            kept.append(node)
            needed.update(reads(node))
    return kept, needed


def _shell(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model without nodes, weights, inputs and outputs; nothing large is copied."""
    result = onnx.ModelProto()
    for field, value in proto.ListFields():
        if field.name == "graph":
            continue
        if field.message_type is not None and field.name in {"opset_import", "functions"}:
            getattr(result, field.name).extend(value)
        elif field.message_type is None:
            setattr(result, field.name, value)
    for field, value in proto.graph.ListFields():
        if field.name not in _KEPT and field.message_type is None:
            setattr(result.graph, field.name, value)
    return result
