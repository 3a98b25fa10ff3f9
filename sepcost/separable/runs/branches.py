"""A model without the Ifs whose condition is the same for all calibration data.

Activations inside an If cannot be observed, and gradients do not pass it. If the data always
selects one branch, its nodes are moved to the main graph. Their values are named as in the
network's description, after the path of the branch, so ids of layers stay the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx

from sepcost.latency.jobs import Runtime
from sepcost.model.graphs import Name, body_prefix, initializers, node_id, subgraphs
from sepcost.model.load import Loaded
from sepcost.model.values import text
from sepcost.separable.data.samples import Calibration
from sepcost.separable.runs.activations import runner

SAMPLES = 256  # to observe conditions on
DEEPEST = 20  # levels of Ifs

BOOL = onnx.TensorProto.BOOL

Renamed = Mapping[Name, str]


def straightened(loaded: Loaded, data: Calibration, runtime: Runtime) -> Loaded:
    """Move the branches that the data always selects to the main graph, at every depth.

    Returns
    -------
    Loaded
        ``loaded`` itself if it has no If, or none whose condition is always the same.

    Raises
    ------
    ModelError
        ONNX Runtime cannot run the model.
    """
    for _ in range(DEEPEST):
        taken = _taken(loaded, data, runtime)
        if not taken:
            break
        proto = type(loaded.proto)()
        proto.CopyFrom(loaded.proto)
        for output, place in taken.items():
            _inline(proto.graph, output, place)
        loaded = replace(loaded, proto=proto)
    return loaded


def _taken(loaded: Loaded, data: Calibration, runtime: Runtime) -> dict[Name, str]:
    """The branch of each If of the main graph that the data always selects, by the first output."""
    graph = loaded.proto.graph
    holders = [node for node in graph.node if node.op_type == "If" and node.output[0]]
    if not holders:
        return {}
    given = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    computed = list(dict.fromkeys(n.input[0] for n in holders if n.input[0] not in given))
    seen: dict[Name, set[bool]] = {}
    run = runner(loaded, runtime, computed) if computed else lambda _: []
    for feeds in data.batches(SAMPLES):
        values = dict(zip(computed, run(feeds), strict=True)) | dict(feeds)
        for name, value in values.items():
            if np.asarray(value).dtype == np.bool_:
                seen.setdefault(name, set()).add(bool(np.asarray(value).reshape(-1)[0]))
    seen |= {t.name: {bool(_stored(t))} for t in graph.initializer if t.data_type == BOOL}
    places = {True: "then_branch", False: "else_branch"}
    alike = (node for node in holders if len(seen.get(node.input[0], ())) == 1)
    return {node.output[0]: places[next(iter(seen[node.input[0]]))] for node in alike}


def _stored(tensor: onnx.TensorProto) -> bool:
    return bool(onnx.numpy_helper.to_array(tensor).reshape(-1)[0])


def _inline(graph: onnx.GraphProto, output: Name, place: str) -> None:
    """Replace one If by the nodes of a branch, and hand the branch's outputs on."""
    at, holder = next((k, n) for k, n in enumerate(graph.node) if output in n.output)
    branch = next(inner for name, inner in subgraphs(holder) if name == place)
    prefix = body_prefix(node_id("", holder), place)
    own = _defined(branch)
    names = {name: prefix + text(name) for name in own}
    nodes = [_renamed(node, names) for node in branch.node]
    for inner, outer in zip(branch.output, holder.output, strict=True):
        if outer:
            source = names.get(inner.name, inner.name)
            nodes.append(onnx.NodeProto(op_type="Identity", input=[source], output=[outer]))
    for tensor in branch.initializer:
        graph.initializer.add().CopyFrom(tensor)
        graph.initializer[-1].name = names[tensor.name]
    for sparse in branch.sparse_initializer:
        graph.sparse_initializer.add().CopyFrom(sparse)
        graph.sparse_initializer[-1].values.name = names[sparse.values.name]
    for value in branch.value_info:
        graph.value_info.add().CopyFrom(value)
        graph.value_info[-1].name = names.get(value.name, value.name)
    del graph.node[at]
    for node in reversed(nodes):
        graph.node.insert(at, node)


def _defined(graph: onnx.GraphProto) -> list[Name]:
    """Names that a graph without inputs defines."""
    stored = (tensor.name for tensor in initializers(graph))
    return [*stored, *(name for node in graph.node for name in node.output if name)]


def _renamed(node: onnx.NodeProto, names: Renamed) -> onnx.NodeProto:
    """A copy that reads and writes the new names, also in its own subgraphs."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    for _, inner in subgraphs(copy):
        own: set[Name] = {*_defined(inner), *(value.name for value in inner.input)}
        outer = {name: new for name, new in names.items() if name not in own}
        nodes = [_renamed(one, outer) for one in inner.node]
        del inner.node[:]
        inner.node.extend(nodes)
        for value in inner.output:
            value.name = outer.get(value.name, value.name)
    return copy
