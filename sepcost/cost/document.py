"""The parts of the JSON document ``sepcost/analyze/1``, in plain Python types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sepcost import __version__
from sepcost.cost.results import Convolution, Coverage, Group, LayerCost, Totals
from sepcost.network import ABSENT, Network, Shape, Value

SCHEMA = "sepcost/analyze/1"

Entry = dict[str, Any]


def headed(models: Sequence[Entry], sources: Sequence[str]) -> Entry:
    """Return the whole document around the entries of its models."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "sources": list(sources),
        "models": list(models),
    }


def described(network: Network, source: str) -> Entry:
    """Return what was read: names, versions, inputs, outputs, operators, bindings."""
    return {
        "name": network.name,
        "source": source,
        "opset": network.opsets.get("", network.opsets.get("ai.onnx")),
        "ir_version": network.ir_version,
        "operators": operators(network),
        "inputs": [tensor(value) for value in network.inputs],
        "outputs": [_output(network, name) for name in network.outputs],
        "bindings": dict(network.bindings),
    }


def operators(network: Network) -> dict[str, int]:
    """Return how many layers each operator has, the most frequent first."""
    counts = Counter(
        f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type
        for layer in network.layers
    )
    return dict(counts.most_common())


def totals(sums: Totals) -> Entry:
    """Return the totals, and figures derived from them."""
    derived = {"flops": sums.flops, "reduction": sums.reduction, "intensity": sums.intensity}
    return {**asdict(sums), **derived}


def coverage(rows: Coverage) -> Entry:
    """Return the number of rows per status."""
    return {**asdict(rows), "complete": rows.complete}


def per_item(sums: Totals, batch: int | None) -> Entry | None:
    """Totals per item of the batch; None if the model has no dynamic batch dimension."""
    if not batch:
        return None
    amounts = {
        "macs": sums.macs,
        "flops": sums.flops,
        "elementwise_ops": sums.elementwise_ops,
        "activation_bytes": sums.activation_bytes,
        "separable_macs": sums.separable_macs,
    }
    return {"batch": batch, **{name: _share(amount, batch) for name, amount in amounts.items()}}


def group_entries(groups: Iterable[Group]) -> list[Entry]:
    """Return groups of rows as dicts."""
    return [{**asdict(group), "flops": 2 * group.macs} for group in groups]


def _share(amount: int, batch: int) -> int | float:
    return amount / batch if amount % batch else amount // batch


def tensor(value: Value) -> Entry:
    """Return a tensor's name, type and shape."""
    return {"name": value.name, "dtype": value.dtype, "shape": _sizes(value.shape)}


def _output(network: Network, name: str) -> Entry:
    value = network.values.get(name)
    return tensor(value) if value else {"name": name, "dtype": "", "shape": None}


def layer(network: Network, row: LayerCost) -> Entry:
    """Return one row."""
    node = row.layer
    return {
        "id": node.id,
        "name": node.name,
        "op_type": node.op_type,
        "domain": node.domain,
        "scope": node.scope,
        "module": node.module,
        "node": node.node,
        "trips": node.trips,
        "status": row.status.value,
        "reason": row.reason,
        "counted": row.counted,
        "inputs": _shapes(network, node.inputs, node.reads),
        "outputs": _shapes(network, node.outputs, node.writes),
        "dtype": _dtype(network, node.writes),
        "macs": row.macs,
        "params": row.params,
        "weight_bytes": row.weight_bytes,
        "elementwise_ops": row.elementwise_ops,
        "bytes_moved": row.bytes_moved,
        "activation_bytes": row.activation_bytes,
        "intensity": row.intensity,
        "conv": row.convolution and _convolution(row.convolution),
        "separable": row.separable and asdict(row.separable),
        "low_rank": row.low_rank and asdict(row.low_rank),
    }


def _convolution(conv: Convolution) -> Entry:
    return {
        "kernel": list(conv.kernel),
        "strides": list(conv.strides),
        "dilations": list(conv.dilations),
        "pads": list(conv.pads),
        "group": conv.group,
        "in_channels": conv.in_channels,
        "out_channels": conv.out_channels,
        "transposed": conv.transposed,
    }


def _shapes(
    network: Network, shapes: Sequence[Shape], names: Sequence[str]
) -> list[list[int] | None]:
    """Return the shapes; None if a position is left out or its shape is unknown."""
    entries: list[list[int] | None] = []
    for place, shape in enumerate(shapes):
        value = network.values.get(names[place]) if place < len(names) else None
        known = shape if shape != ABSENT else value.shape if value else None
        entries.append(_sizes(known))
    return entries


def _sizes(shape: Shape | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _dtype(network: Network, names: Sequence[str]) -> str | None:
    value = network.values.get(names[0]) if names else None
    return value.dtype or None if value else None
