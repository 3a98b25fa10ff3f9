"""Map nodes to the kernels that run them: an optimised graph traced back to a labelled one.

ONNX Runtime fuses nodes, changes layouts and folds constants. It derives new names from old ones,
as experiments show: ``<node>/MatMulAddFusion``, ``<node>_new_reshape``, ``<value>_nchwc``,
``<value>_bn_nchwc``, ``InsertedPrecisionFreeCast_<value>``. Therefore

1. a kernel owns the nodes whose labels are in its name, and the producers of its outputs;
2. it also takes the nodes before those whose results no kernel stores, back to the main operator;
3. the remaining nodes were fused into the kernel before them (the Add and the Relu of a
   convolution), or are constant and were computed when the session was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import onnx

from sepcost.latency.labels import TOKEN, Labelled
from sepcost.model.graphs import body_prefix, nodes, subgraphs, tree

#: The main operators of fusions: nodes before one belong to the kernel before it ...
MAIN = frozenset(
    {"Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "Gemm", "MatMul", "MatMulInteger"}
    | {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LSTM", "GRU", "RNN"}
)
#: ... except these, which the kernel that reads them takes.
TAKEN_UP = frozenset(
    {"Pad", "Transpose", "DequantizeLinear", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Constant"}
)
QUANTIZE = "QuantizeLinear"
#: Kernels that ONNX Runtime adds to move data; they compute no node of the model.
MOVES = ("Reorder", "Memcpy")
INSERTED = "InsertedPrecisionFreeCast_"
#: Operators whose results follow from static shapes, so they vanish without being fused.
FOLDED = frozenset({"Shape", "Size"})


@dataclass(frozen=True, slots=True)
class Kernel:
    """One node of the optimised graph, by its name in the profile."""

    name: str
    op_type: str
    scope: str
    nodes: tuple[str, ...]  # labels, in the order of the model; empty if it only moves data


@dataclass(slots=True)
class _Trace:
    """The state of one mapping: the kernel that owns each node."""

    nodes: Mapping[str, onnx.NodeProto]  # by label, in execution order
    producers: Mapping[str, str]
    owners: dict[str, str] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)  # values that some kernel writes

    def before(self, label: str) -> Iterator[tuple[str, str]]:
        """Yield each value that a node reads, with its producer."""
        for value in _reads(self.nodes[label]):
            if value in self.producers:
                yield value, self.producers[value]


def kernels(labels: Labelled, optimised: onnx.GraphProto) -> tuple[list[Kernel], tuple[str, ...]]:
    """Map every node to one kernel or to none.

    Returns
    -------
    tuple
        The kernels in the order of the optimised graph, each with its nodes; and the nodes that no
        kernel runs, because they were computed when the session was made.
    """
    trace = _Trace({node.name: node for node in nodes(labels.model.graph)}, labels.producers)
    placed = list(_placed(optimised, labels, ""))
    for name, node, _ in placed:
        trace.stored.update(node.output)
        _claim(trace, name, node)
    _claim_before_readers(trace, placed)
    for label, owner in list(trace.owners.items()):
        _take_up(trace, label, owner)
    order = {name: position for position, (name, _, _) in enumerate(placed)}
    constant = _join_the_rest(trace, order, labels.inputs)
    owned: dict[str, list[str]] = {}
    for label in trace.nodes:
        if label not in constant:
            owned.setdefault(trace.owners[label], []).append(label)
    rows = [Kernel(n, node.op_type, scope, tuple(owned.get(n, ()))) for n, node, scope in placed]
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
    """Yield all values that a node and the nodes of its subgraphs read."""
    yield from node.input
    for _, subgraph in subgraphs(node):
        for graph in tree(subgraph):
            for inner in graph.node:
                yield from inner.input
            yield from (output.name for output in graph.output)


def _claim(trace: _Trace, name: str, kernel: onnx.NodeProto) -> None:
    """Assign to a kernel the nodes that its name and outputs mention; the first claim holds."""
    if _moves(kernel):
        return
    for text in (kernel.name, *kernel.output):
        for kind, number in TOKEN.findall(text):
            token = f"{kind}-{number}-"
            label = token if kind == "node" else trace.producers.get(token, "")
            if label in trace.nodes:
                trace.owners.setdefault(label, name)


def _claim_before_readers(trace: _Trace, placed: Sequence[tuple[str, onnx.NodeProto, str]]) -> None:
    """Assign to a kernel with a new name (SpaceToDepth for slices and a Concat) what it replaced.

    Those are the nodes before the kernels that read it whose results no other kernel writes.
    """
    named = set(trace.owners.values())
    makers = {value: name for name, node, _ in placed for value in node.output}
    fresh = {name for name, node, _ in placed if name not in named and not _moves(node)}
    labels: dict[str, list[str]] = {}
    for label, owner in trace.owners.items():
        labels.setdefault(owner, []).append(label)
    for reader, node, _ in placed:
        new = next((makers[v] for v in node.input if makers.get(v) in fresh), None)
        for label in labels.get(reader, ()) if new else ():
            for value, maker in trace.before(label):
                if value not in trace.stored:
                    trace.owners.setdefault(maker, str(new))


def _moves(node: onnx.NodeProto) -> bool:
    inserted = node.op_type == "Cast" and node.name.startswith(INSERTED)
    relaid = node.op_type == "Transpose" and not TOKEN.search(node.name)  # to NHWC and back
    return inserted or relaid or node.op_type.startswith(MOVES)


def _take_up(trace: _Trace, label: str, owner: str) -> None:
    """Assign to a kernel the nodes before ``label`` whose results no kernel stores.

    A quantisation belongs to the kernel before it, which writes integers.
    """
    waiting = [label]
    while waiting:
        reader = trace.nodes[waiting.pop()]
        for value, maker in trace.before(reader.name):
            kind = trace.nodes[maker].op_type
            fused = kind != QUANTIZE and (reader.op_type not in MAIN or kind in TAKEN_UP)
            if fused and value not in trace.stored and maker not in trace.owners:
                trace.owners[maker] = owner
                waiting.append(maker)


def _join_the_rest(trace: _Trace, order: Mapping[str, int], inputs: Set[str]) -> set[str]:
    """Assign remaining nodes to the kernel before them; return those that no kernel runs."""
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
    """Return the nodes that depend on inputs of the model or of a subgraph."""
    varying: set[str] = set()
    for label, node in trace.nodes.items():
        fed = any(value in inputs for value in _reads(node))
        if fed or any(maker in varying for _, maker in trace.before(label)):
            varying.add(label)
    return varying
