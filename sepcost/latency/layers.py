"""Time per layer: ONNX Runtime's profile, mapped to the nodes of the original model.

A child runs a copy of the model whose nodes are labelled (``profiles``); here its kernels and its
placement are mapped back.
"""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import onnx

from sepcost.latency import mapping
from sepcost.latency.jobs import ModelFile
from sepcost.latency.labels import TOKEN, Labelled, labelled
from sepcost.latency.profiles import Timed
from sepcost.latency.providers import CPU
from sepcost.latency.results import LayerTime

Placed = Sequence[tuple[str, list[str]]]  # provider -> nodes, one entry per subgraph


def read(model: ModelFile) -> Labelled:
    """Read a model without loading external weights."""
    return labelled(onnx.load(model.path, load_external_data=False))


def placement(labels: Labelled, placed: Placed) -> list[tuple[str, list[str]]]:
    """Turn labels into layer ids: which provider got which layers, one entry per subgraph."""
    listed = {node for _, nodes in placed for node in nodes}
    return [
        (
            name,
            [
                layer
                for node in _whole(name, nodes, labels, listed)
                for layer in _layers_of(node, labels)
            ],
        )
        for name, nodes in placed
    ]


def rows(labels: Labelled, profiled: Mapping[str, Any]) -> list[LayerTime]:
    """Assign to each kernel of a profile the nodes that it runs.

    Parameters
    ----------
    labels
        The labelled copy that was profiled.
    profiled
        What ``profiles.profile`` returned.

    Returns
    -------
    list
        One row per kernel, in the order of the optimised graph; one per kind of kernel that only
        moves data; one for all nodes that were optimised away. Every node is in exactly one row,
        and the times are those of the profile.
    """
    times = {name: Timed(*timed) for name, timed in profiled["times"].items()}
    if profiled["optimised"] is None:
        kernels, constant = _by_placement(labels, profiled["placement"], times)
    else:
        optimised = onnx.load_from_string(b64decode(profiled["optimised"]))
        kernels, constant = mapping.kernels(labels, optimised.graph)
    return _rows(labels, kernels, constant, times)


def _whole(name: str, nodes: list[str], labels: Labelled, listed: Set[str]) -> list[str]:
    """Add to the nodes of a provider those inside them that no provider lists.

    A provider that takes a whole Loop lists only the Loop; the CPU lists what is inside.
    """
    if name == CPU:
        return nodes
    inside = [node for holder in nodes for node in labels.inside.get(holder, ())]
    return [*nodes, *(node for node in inside if node not in listed)]


def _layers_of(node: str, labels: Labelled) -> list[str]:
    return [labels.ids[label] for label in _labels_of(node, labels)] or [node]


def _labels_of(node: str, labels: Labelled) -> list[str]:
    """Find the labels in a name that ONNX Runtime may have derived: ``<node>/MatMulAddFusion``."""
    found = (match[0] for match in TOKEN.finditer(node))
    return [label for label in found if label in labels.ids]


def _by_placement(
    labels: Labelled, placed: Placed, times: Mapping[str, Timed]
) -> tuple[list[mapping.Kernel], tuple[str, ...]]:
    """Assign nodes to compiled subgraphs, both in the order in which they are listed."""
    fused = defaultdict(list)
    for name, timed in times.items():
        if name not in labels.ids:
            fused[timed.provider].append(name)
    kernels = [
        mapping.Kernel(name, times[name].op_type, labels.scopes[name], (name,))
        for name in times
        if name in labels.ids
    ]
    seen = {kernel.name for kernel in kernels}
    listed = {node for _, nodes in placed for node in nodes}
    for provider, nodes in placed:
        whole = _whole(provider, nodes, labels, listed)
        every = dict.fromkeys(label for node in whole for label in _labels_of(node, labels))
        rest = tuple(label for label in every if label not in seen)
        names = fused[provider]
        if rest and names:
            name = names.pop(0) if len(names) > 1 else names[0]
            kernels.append(mapping.Kernel(name, times[name].op_type, "", rest))
            seen.update(rest)
    return kernels, tuple(node for node in labels.ids if node not in seen)


def _rows(
    labels: Labelled,
    kernels: Iterable[mapping.Kernel],
    constant: tuple[str, ...],
    times: Mapping[str, Timed],
) -> list[LayerTime]:
    """Join kernels with times; kernels without nodes are summed by kind and scope."""
    idle = Timed("", "", 0.0)
    rows: dict[tuple[str, str], LayerTime] = {}
    for kernel in kernels:
        timed = times.get(kernel.name, idle)
        row = LayerTime(
            nodes=tuple(labels.ids[node] for node in kernel.nodes),
            kernel=timed.op_type or kernel.op_type,
            provider=timed.provider,
            scope=kernel.scope,
            time_ns=timed.time_ns,
            share=0.0,
        )
        key = (kernel.name if kernel.nodes else f"{row.kernel} moves", kernel.scope)
        if known := rows.get(key):
            row = replace(row, time_ns=row.time_ns + known.time_ns, nodes=known.nodes + row.nodes)
        rows[key] = row
    if constant:
        folded = tuple(labels.ids[node] for node in constant)
        rows["", ""] = LayerTime(folded, "", "", "", 0.0, 0.0)
    total = sum(row.time_ns for row in rows.values())
    even = 1 / len(rows)
    return [replace(r, share=r.time_ns / total if total else even) for r in rows.values()]
