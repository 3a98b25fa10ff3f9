"""The number of nodes a model expands to when its functions are called, checked before the walk."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from sepcost.errors import ModelError
from sepcost.model.graphs import Body, FunctionKey, called, nodes
from sepcost.model.values import text
from sepcost.model.walk_state import MAX_DEPTH, MAX_NODES

Functions = Mapping[FunctionKey, onnx.FunctionProto]


def check_calls(graph: onnx.GraphProto, functions: Functions, source: str) -> None:
    """Refuse a model whose function calls nest too deeply or expand too far.

    Raises
    ------
    ModelError
        If a function calls itself, calls nest deeper than ``MAX_DEPTH``, or the model expands to
        more than ``MAX_NODES`` nodes.
    """
    sizes: dict[FunctionKey, int] = {}

    def size_of(body: Body, callers: tuple[FunctionKey, ...]) -> int:
        total = 0
        for node in nodes(body):
            key = called(node)
            if key in functions and key not in sizes:
                _check_callers(key, callers, source)
                sizes[key] = size_of(functions[key], (*callers, key))
            total += 1 + sizes.get(key, 0)
            if total > MAX_NODES:
                raise ModelError(f"{source}: expands to more than {MAX_NODES:,} nodes")
        return total

    size_of(graph, ())


def _check_callers(key: FunctionKey, callers: tuple[FunctionKey, ...], source: str) -> None:
    name = "::".join(text(part) for part in key[:2])
    if key in callers:
        raise ModelError(f"{source}: the function {name} calls itself; export the model again")
    if len(callers) >= MAX_DEPTH:
        raise ModelError(f"{source}: calls of functions nest deeper than {MAX_DEPTH} (at {name})")
