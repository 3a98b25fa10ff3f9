"""How many nodes a model expands to once its functions are called: known before any is walked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import onnx

from sepcost.errors import ModelError
from sepcost.model.control import key_of
from sepcost.model.values import text
from sepcost.model.walk_state import MAX_DEPTH, MAX_NODES, FunctionKey

Functions = Mapping[FunctionKey, onnx.FunctionProto]


def check_calls(graph: onnx.GraphProto, functions: Functions, source: str) -> None:
    """Refuse a model that calls its functions too deep or too often.

    Raises
    ------
    ModelError
        Where a function calls itself, calls nest deeper than ``MAX_DEPTH``, or the model expands
        to more than ``MAX_NODES`` nodes.
    """
    sizes: dict[FunctionKey, int] = {}

    def size_of(nodes: Iterable[onnx.NodeProto], callers: tuple[FunctionKey, ...]) -> int:
        total = 0
        for node in all_nodes(nodes):
            key = key_of(node)
            if key in functions and key not in sizes:
                _check_callers(key, callers, source)
                sizes[key] = size_of(functions[key].node, (*callers, key))
            total += 1 + sizes.get(key, 0)
            if total > MAX_NODES:
                raise ModelError(f"{source}: expands to more than {MAX_NODES:,} nodes")
        return total

    size_of(graph.node, ())


def _check_callers(key: FunctionKey, callers: tuple[FunctionKey, ...], source: str) -> None:
    name = "::".join(text(part) for part in key[:2])
    if key in callers:
        raise ModelError(f"{source}: the function {name} calls itself; export the model again")
    if len(callers) >= MAX_DEPTH:
        raise ModelError(f"{source}: functions nest deeper than {MAX_DEPTH} (at {name})")


def all_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """Yield nodes and those of the graphs that they hold."""
    pending = [nodes]
    while pending:
        for node in pending.pop():
            yield node
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    pending.append(attribute.g.node)
                pending.extend(graph.node for graph in attribute.graphs)
