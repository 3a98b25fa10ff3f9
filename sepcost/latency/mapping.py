"""Which kernel runs which node: an optimised graph traced back to a labelled one.

ONNX Runtime fuses nodes, changes layouts and folds constants, and derives new names from old
(found by probing): ``<node>/MatMulAddFusion``, ``<node>_new_reshape``, ``<value>_nchwc``,
``<value>_bn_nchwc``, ``InsertedPrecisionFreeCast_<value>``. So

1. a kernel owns the nodes whose labels are in its name, and the producers of its outputs;
2. it takes up what lies before those and is not stored anywhere, back to the main operator;
3. what is left was fused forward into the kernel before it (the Add and the Relu of a
   convolution), or is constant and was computed when the session was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import onnx

from sepcost.latency.labels import TOKEN, Labelled
from sepcost.model.graphs import body_prefix, nodes, subgraphs, tree

#: The main operators of fusions: what lies before one belongs to the kernel before it ...
MAIN = frozenset(
    {"Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "Gemm", "MatMul", "MatMulInteger"}
    | {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LSTM", "GRU", "RNN"}
)
#: ... unless it is one of these, which the kernel that reads them takes up.
TAKEN_UP = frozenset(
    {"Pad", "Transpose", "DequantizeLinear", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Constant"}
)
#: Kernels that ONNX Runtime adds: they move data and compute nothing of the model.
MOVES = ("Reorder", "Memcpy")
INSERTED = "InsertedPrecisionFreeCast_"
#: Their results follow from static shapes alone, so they vanish without being fused.
FOLDED = frozenset({"Shape", "Size"})


@dataclass(frozen=True, slots=True)
class Kernel:
    """One node of the optimised graph, by the name that the profile calls it."""

    name: str
    op_type: str
    scope: str
    nodes: tuple[str, ...]  # labels, in the order of the model; empty where it only moves data


@dataclass(slots=True)
class _Trace:
    """The state of one mapping: which kernel owns which node."""

    nodes: Mapping[str, onnx.NodeProto]  # by label, in execution order
    producers: Mapping[str, str]
    owners: dict[str, str] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)  # values that some kernel writes

    def before(self, label: str) -> Iterator[tuple[str, str]]:
        """Yield each value that a node reads and the node that makes it."""
        for value in _reads(self.nodes[label]):
            if value in self.producers:
                yield value, self.producers[value]


def kernels(labels: Labelled, optimised: onnx.GraphProto) -> tuple[list[Kernel], tuple[str, ...]]:
    """Map every node to exactly one kernel, or to none.

    Returns
    -------
    tuple
        The kernels in the order of the optimised graph, each with its nodes; and the nodes that
        were computed when the session was made, which no kernel runs.
    """
    trace = _Trace({node.name: node for node in nodes(labels.model.graph)}, labels.producers)
    found = list(_placed(optimised, labels, ""))
    for name, node, _ in found:
        trace.stored.update(node.output)
        _claim(trace, name, node)
    _claim_before_readers(trace, found)
    for label, owner in list(trace.owners.items()):
        _take_up(trace, label, owner)
    order = {name: position for position, (name, _, _) in enumerate(found)}
    constant = _join_the_rest(trace, order, labels.inputs)
    owned: dict[str, list[str]] = {}
    for label in trace.nodes:
        if label not in constant:
            owned.setdefault(trace.owners[label], []).append(label)
    rows = [Kernel(n, node.op_type, scope, tuple(owned.get(n, ()))) for n, node, scope in found]
    return rows, tuple(label for label in trace.nodes if label in constant)


def _placed(
    graph: onnx.GraphProto, labels: Labelled, scope: str
) -> Iterator[tuple[str, onnx.NodeProto, str]]:
    """Yield (name in the profile, node, scope) of every node of an optimised graph."""
    for position, node in enumerate(graph.node):
        for place, inner in subgraphs(node):
            holder = labels.ids.get(node.name)
            inside = body_prefix(holder, place).rstrip("/") if holder else scope
            yield from _placed(inner, labels, inside)
        yield node.name or f"{node.op_type}_{position}", node, scope


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """Yield what a node and the nodes of its subgraphs read, inner values included."""
    yield from node.input
    for _, subgraph in subgraphs(node):
        for graph in tree(subgraph):
            for inner in graph.node:
                yield from inner.input
            yield from (output.name for output in graph.output)


def _claim(trace: _Trace, name: str, kernel: onnx.NodeProto) -> None:
    """Give a kernel the nodes that its name and its outputs speak of. The first claim holds."""
    if _moves(kernel):
        return
    for text in (kernel.name, *kernel.output):
        for kind, number in TOKEN.findall(text):
            token = f"{kind}-{number}-"
            label = token if kind == "node" else trace.producers.get(token, "")
            if label in trace.nodes:
                trace.owners.setdefault(label, name)


def _claim_before_readers(trace: _Trace, found: Sequence[tuple[str, onnx.NodeProto, str]]) -> None:
    """Give a kernel under a new name (SpaceToDepth for slices and a Concat) what it replaced.

    That is what the kernels that read it expect in its place, and no other kernel has written.
    """
    named = set(trace.owners.values())
    makers = {value: name for name, node, _ in found for value in node.output}
    fresh = {name for name, node, _ in found if name not in named and not _moves(node)}
    labels: dict[str, list[str]] = {}
    for label, owner in trace.owners.items():
        labels.setdefault(owner, []).append(label)
    for reader, node, _ in found:
        new = next((makers[v] for v in node.input if makers.get(v) in fresh), None)
        for label in labels.get(reader, ()) if new else ():
            for value, maker in trace.before(label):
                if value not in trace.stored:
                    trace.owners.setdefault(maker, str(new))


def _moves(node: onnx.NodeProto) -> bool:
    inserted = node.op_type == "Cast" and node.name.startswith(INSERTED)
    return inserted or node.op_type.startswith(MOVES)


def _take_up(trace: _Trace, label: str, owner: str) -> None:
    """Give a kernel the nodes before ``label`` whose results are stored nowhere."""
    waiting = [label]
    while waiting:
        reader = trace.nodes[waiting.pop()]
        for value, maker in trace.before(reader.name):
            fused = reader.op_type not in MAIN or trace.nodes[maker].op_type in TAKEN_UP
            if fused and value not in trace.stored and maker not in trace.owners:
                trace.owners[maker] = owner
                waiting.append(maker)


def _join_the_rest(trace: _Trace, order: Mapping[str, int], inputs: Set[str]) -> set[str]:
    """Give what no kernel took up to the kernel before it; return what none needs to run."""
    varying = _varying(trace, inputs)
    readers: dict[str, list[str]] = {}
    for label in trace.nodes:
        for _, maker in trace.before(label):
            readers.setdefault(maker, []).append(label)
    constant: set[str] = set()
    for label, node in trace.nodes.items():
        if label in trace.owners:
            continue
        near = [m for _, m in trace.before(label)] if label in varying else []
        owners = [trace.owners[n] for n in near if n in trace.owners and n in varying] or [
            trace.owners[r] for r in readers.get(label, ()) if r in trace.owners
        ]
        if label in varying and node.op_type not in FOLDED and owners:
            trace.owners[label] = max(owners, key=lambda name: order[name])
        else:
            constant.add(label)
    return constant


def _varying(trace: _Trace, inputs: Set[str]) -> set[str]:
    """Return the nodes whose results depend on what the model, or a subgraph, is fed."""
    found: set[str] = set()
    for label, node in trace.nodes.items():
        fed = any(value in inputs for value in _reads(node))
        if fed or any(maker in found for _, maker in trace.before(label)):
            found.add(label)
    return found
