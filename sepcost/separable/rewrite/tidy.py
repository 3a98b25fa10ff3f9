"""Remove what a replacement leaves unread: old weights and the nodes that computed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, MutableSequence
from typing import Any

import onnx

from sepcost.model.graphs import (
    Body,
    Name,
    called,
    function_key,
    has_subgraphs,
    root_name,
    roots,
    tree,
)

#: Before this version, every initializer is also a graph input.
LISTED_IR_VERSION = 4


def tidy(model: onnx.ModelProto, unread: Mapping[str, Iterable[Name]]) -> None:
    """Drop the values in ``unread`` that are no longer read, and everything that only they need.

    Other dead nodes were dead before and stay: they are the user's.

    Parameters
    ----------
    unread
        Names by root: "" is the main graph, others are functions.
    """
    bodies = {root_name(root): root for root in roots(model)}
    queue = {name: set(names) for name, names in unread.items()}
    while queue:
        name, suspects = queue.popitem()
        root = bodies[name]
        dead = _dead(root, suspects)
        _remove(root, dead, model.ir_version)
        if isinstance(root, onnx.FunctionProto):
            for caller, given in _drop_arguments(model, root, dead):
                queue.setdefault(caller, set()).update(given)


def _dead(root: Body, suspects: Iterable[Name]) -> set[Name]:
    """Walk up from the suspects; within a root and its subgraphs, a name is one value."""
    readers = _readers(root)
    writers = {name: node for graph in tree(root) for node in graph.node for name in node.output}
    dead: set[Name] = set()
    stack = list(suspects)
    while stack:
        name = stack.pop()
        if not name or name in dead or readers[name]:
            continue
        dead.add(name)
        node = writers.get(name)
        if node is not None and _is_dead(node, dead):
            readers.subtract(node.input)
            stack.extend(node.input)
    return dead


def _readers(root: Body) -> Counter[Name]:
    readers: Counter[Name] = Counter()
    for graph in tree(root):
        for node in graph.node:
            readers.update(node.input)
        names = (v if isinstance(v, str | bytes) else v.name for v in graph.output)
        readers.update(names)
    return readers


def _is_dead(node: onnx.NodeProto, dead: set[Name]) -> bool:
    """Whether all outputs of a node are dead; a node with subgraphs may do more, and stays."""
    outputs = [name for name in node.output if name]
    return bool(outputs) and not has_subgraphs(node) and all(name in dead for name in outputs)


def _remove(root: Body, dead: set[Name], ir_version: int) -> None:
    for graph in tree(root):
        _keep(graph.node, [not _is_dead(node, dead) for node in graph.node])
        _keep(graph.value_info, [value.name not in dead for value in graph.value_info])
        if not isinstance(graph, onnx.GraphProto):
            continue
        if ir_version < LISTED_IR_VERSION and graph is root:
            stored = {tensor.name for tensor in graph.initializer} & dead
            _keep(graph.input, [value.name not in stored for value in graph.input])
        _keep(graph.initializer, [tensor.name not in dead for tensor in graph.initializer])
        sparse = graph.sparse_initializer
        _keep(sparse, [tensor.values.name not in dead for tensor in sparse])


def _keep(items: MutableSequence[Any], kept: list[bool]) -> None:
    for index in reversed(range(len(kept))):
        if not kept[index]:
            del items[index]


def _drop_arguments(
    model: onnx.ModelProto, function: onnx.FunctionProto, dead: set[Name]
) -> Iterator[tuple[str, list[Name]]]:
    """Drop arguments that a function no longer reads; yield them by root of the caller."""
    gone = [index for index, name in enumerate(function.input) if name in dead]
    if not gone:
        return
    _keep(function.input, [index not in gone for index in range(len(function.input))])
    key = function_key(function)
    for root in roots(model):
        given: list[Name] = []
        for graph in tree(root):
            for node in graph.node:
                if called(node) == key:
                    given += [node.input[index] for index in gone if index < len(node.input)]
                    _keep(node.input, [index not in gone for index in range(len(node.input))])
        yield root_name(root), given
