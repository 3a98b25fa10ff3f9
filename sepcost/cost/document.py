"""Analyses as the JSON document ``sepcost/analyze/1``, in plain Python types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sepcost import __version__
from sepcost.cost.analysis import Analysis, Convolution, Group, LayerCost
from sepcost.network import ABSENT, Network, Shape, Value

SCHEMA = "sepcost/analyze/1"

Entry = dict[str, Any]


def document(analyses: Iterable[Analysis], sources: Sequence[str]) -> Entry:
    """Return the whole document, with one entry of ``models`` per analysis."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "sources": list(sources),
        "models": [entry(analysis) for analysis in analyses],
    }


def entry(analysis: Analysis) -> Entry:
    """Return one entry of ``models``: inputs and outputs, totals, every row."""
    network, totals = analysis.network, analysis.totals
    return {
        "name": network.name,
        "source": analysis.source,
        "opset": network.opsets.get("", network.opsets.get("ai.onnx")),
        "inputs": [_value(value) for value in network.inputs],
        "outputs": [_output(network, name) for name in network.outputs],
        "bindings": dict(network.bindings),
        "conventions": asdict(analysis.conventions),
        "totals": {**asdict(totals), "flops": totals.flops, "reduction": totals.reduction},
        "per_item": per_item(analysis),
        "coverage": {**asdict(analysis.coverage), "complete": analysis.coverage.complete},
        "layers": [_layer(network, row) for row in analysis.rows],
        "dead_weights": [_value(value) for value in network.dead_weights],
        "warnings": list(analysis.warnings),
    }


def per_item(analysis: Analysis) -> Entry | None:
    """Totals per item of the batch; None if the model has no dynamic batch dimension."""
    batch = analysis.network.batch
    if not batch:
        return None
    totals = analysis.totals
    amounts = {
        "macs": totals.macs,
        "flops": totals.flops,
        "elementwise_ops": totals.elementwise_ops,
        "activation_bytes": totals.activation_bytes,
        "separable_macs": totals.separable_macs,
    }
    return {"batch": batch, **{name: _share(amount, batch) for name, amount in amounts.items()}}


def group_entries(groups: Iterable[Group]) -> list[Entry]:
    """Return groups of rows as dicts."""
    return [{**asdict(group), "flops": 2 * group.macs} for group in groups]


def _share(amount: int, batch: int) -> int | float:
    return amount / batch if amount % batch else amount // batch


def _value(value: Value) -> Entry:
    return {"name": value.name, "dtype": value.dtype, "shape": _sizes(value.shape)}


def _output(network: Network, name: str) -> Entry:
    value = network.values.get(name)
    return _value(value) if value else {"name": name, "dtype": "", "shape": None}


def _layer(network: Network, row: LayerCost) -> Entry:
    layer = row.layer
    return {
        "id": layer.id,
        "name": layer.name,
        "op_type": layer.op_type,
        "domain": layer.domain,
        "scope": layer.scope,
        "trips": layer.trips,
        "status": row.status.value,
        "reason": row.reason,
        "counted": row.counted,
        "inputs": _shapes(network, layer.inputs, layer.reads),
        "outputs": _shapes(network, layer.outputs, layer.writes),
        "dtype": _dtype(network, layer.writes),
        "macs": row.macs,
        "params": row.params,
        "weight_bytes": row.weight_bytes,
        "elementwise_ops": row.elementwise_ops,
        "bytes_moved": row.bytes_moved,
        "activation_bytes": row.activation_bytes,
        "intensity": row.intensity,
        "conv": row.convolution and _convolution(row.convolution),
        "separable": row.separable and asdict(row.separable),
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
    """Return the shapes; None where a position is left out or its shape is unknown."""
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
