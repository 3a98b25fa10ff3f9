"""The same network with other names or in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import onnx

Spelling = Callable[[str], str]

#: Replacements for a plain name of letters and digits.
SPELLINGS: Mapping[str, Spelling] = {
    "plain": lambda name: name,
    "digits": lambda name: "".join(str(ord(letter)) for letter in name),
    "paths": lambda name: f"/net/{name}/Conv_output_0",
    "spaces": lambda name: f" {name} :0",
    "letters": lambda name: f"größe·{name}·宽",
    "markup": lambda name: f"[bold]{name}[/]<b>`|",
    "controls": lambda name: f"\x1b[31m{name}\n\u202e",
    "like ours": lambda name: f"{name}/depthwise",
    "globs": lambda name: f"*{name}[0]?",
    "long": lambda name: name + "_" * 500,
}


def respelled(model: onnx.ModelProto, spell: Spelling) -> onnx.ModelProto:
    """Rename every value and node; names stay unique in the model, so scopes are kept."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for graph in _graphs(result):
        _respell(graph, spell)
    return result


def _graphs(
    model: onnx.ModelProto,
) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        waiting += [a.g for node in graph.node for a in node.attribute if a.HasField("g")]


def _respell(graph: onnx.GraphProto | onnx.FunctionProto, spell: Spelling) -> None:
    def each(names: list[str]) -> list[str]:
        return [spell(name) if name else name for name in names]

    for node in graph.node:
        node.input[:], node.output[:] = each([*node.input]), each([*node.output])
        node.name = spell(node.name) if node.name else ""
    if isinstance(graph, onnx.FunctionProto):
        graph.input[:], graph.output[:] = each([*graph.input]), each([*graph.output])
        values = [*graph.value_info]
    else:
        values = [*graph.input, *graph.output, *graph.value_info]
        for tensor in graph.initializer:
            tensor.name = spell(tensor.name)
    for value in values:
        value.name = spell(value.name)


def reordered(model: onnx.ModelProto, random: Random) -> onnx.ModelProto:
    """Put nodes, initializers and functions in another valid order."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for graph in _graphs(result):
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node]
        del graph.node[:]
        graph.node.extend(_sorted(nodes, random))
        if isinstance(graph, onnx.GraphProto):
            _shuffle(graph.initializer, random)
    _shuffle(result.functions, random)
    return result


def _shuffle(items: Any, random: Random) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    random.shuffle(copies)
    del items[:]
    items.extend(copies)


def _sorted(nodes: list[onnx.NodeProto], random: Random) -> Iterator[onnx.NodeProto]:
    """Choose any ready node next, at random."""
    waiting = list(nodes)
    while waiting:
        missing = {name for node in waiting for name in node.output}
        ready = [node for node in waiting if missing.isdisjoint(reads(node))]
        chosen = random.choice(ready)
        waiting.remove(chosen)
        yield chosen


def reads(node: onnx.NodeProto) -> set[str]:
    """Names that a node and its subgraphs read."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                names |= reads(inner)
    return names
