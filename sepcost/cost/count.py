"""Network -> Analysis: the cost of every layer, and the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sepcost.cost import branches, memory
from sepcost.cost.analysis import Analysis
from sepcost.cost.dense import low_rank
from sepcost.cost.geometry import convolution
from sepcost.cost.operators import OPERATORS
from sepcost.cost.results import (
    Conventions,
    Convolution,
    CountStatus,
    Coverage,
    LayerCost,
    Separable,
    Totals,
)
from sepcost.cost.tally import Operators, RunCost, tally
from sepcost.cost.warnings import analysis_warnings
from sepcost.cost.whatif import separable, separable_network_params
from sepcost.network import Layer, Network


@dataclass(frozen=True, slots=True)
class _Context:
    """What every row needs to know about the network."""

    network: Network
    conventions: Conventions
    sides: branches.Sides
    owners: Mapping[str, str]  # parameter -> id of the layer that counts it


def count(
    network: Network,
    source: str,
    operators: Operators | None = None,
    conventions: Conventions | None = None,
) -> Analysis:
    """Count the cost of a network, in time linear in its layers.

    Parameters
    ----------
    network
        A described network.
    source
        The source as the user named it, for the reports.
    operators
        MAC formulas by (domain, op_type), ``OPERATORS`` by default. A formula also applies to an
        operator that would be free.
    conventions
        Conventions of counting.

    Raises
    ------
    SepcostError
        If a formula given by the user fails; the message names the operator and the node.
    """
    table = OPERATORS if operators is None else operators
    agreed = conventions or Conventions()
    tallies = [tally(layer, table, agreed) for layer in network.layers]
    costs = [
        (_times(once.macs, layer) or 0, _times(once.elementwise_ops, layer) or 0)
        for layer, once in zip(network.layers, tallies, strict=True)
    ]
    sides = branches.sides(network.layers, costs, network.choices, agreed.if_branches)
    context = _Context(network, agreed, sides, _owners(network.layers, sides))
    rows = tuple(
        _row(context, layer, once) for layer, once in zip(network.layers, tallies, strict=True)
    )
    return Analysis(
        source=source,
        network=network,
        rows=rows,
        totals=_totals(network, rows),
        coverage=_coverage(context, rows),
        conventions=agreed,
        warnings=analysis_warnings(network, rows, sides, agreed),
    )


def _owners(layers: Sequence[Layer], sides: branches.Sides) -> dict[str, str]:
    """Assign each parameter to the first counted layer that uses it, or else to the first."""
    owners: dict[str, str] = {}
    for counted in (True, False):
        for layer in layers:
            if layer.parameters and branches.runs(layer, sides) is counted:
                for name in layer.parameters:
                    owners.setdefault(name, layer.id)
    return owners


def _row(context: _Context, layer: Layer, once: RunCost) -> LayerCost:
    network = context.network
    owned = [
        network.parameters[name]
        for name in layer.parameters
        if context.owners[name] == layer.id and name in network.parameters
    ]
    params = sum(value.elements or 0 for value in owned)
    geometry = convolution(layer, context.conventions)
    return LayerCost(
        layer=layer,
        status=once.status,
        reason=once.reason,
        macs=_times(once.macs, layer),
        params=params,
        weight_bytes=sum(value.size_bytes or 0 for value in owned),
        elementwise_ops=_times(once.elementwise_ops, layer),
        bytes_moved=_times(memory.bytes_moved(layer, network), layer),
        activation_bytes=_times(memory.activation_bytes(layer, network), layer),
        counted=branches.runs(layer, context.sides),
        convolution=geometry,
        separable=_separable(layer, geometry, once, params) if geometry else None,
        low_rank=low_rank(layer),
    )


def _separable(layer: Layer, geometry: Convolution, tallied: RunCost, params: int) -> Separable:
    once = separable(layer, geometry, tallied.macs, params, tallied.bias)
    if once.macs is None or layer.trips == 1:
        return once
    return Separable(
        once.eligible,
        once.reason,
        _times(once.macs, layer),
        once.params,
        once.ratio,
        once.break_even_rank,
    )


def _times(once: int | None, layer: Layer) -> int | None:
    """Multiply by the trips; 0 stays 0 even if the trip count is unknown."""
    if not once:
        return once
    return None if layer.trips is None else once * layer.trips


def _totals(network: Network, every: Sequence[LayerCost]) -> Totals:
    rows = [row for row in every if row.counted]
    macs = sum(row.macs or 0 for row in rows)
    params = sum(row.params for row in every)
    return Totals(
        macs=macs,
        params=params,
        elementwise_ops=sum(row.elementwise_ops or 0 for row in rows),
        weight_bytes=sum(row.weight_bytes for row in every),
        activation_bytes=sum(row.activation_bytes or 0 for row in rows),
        peak_activation_bytes=memory.peak_activation_bytes(
            network, [layer for layer in network.layers if branches.may_run(layer, network.choices)]
        ),
        separable_macs=sum(separable_macs(row) for row in rows),
        separable_params=params + separable_network_params(network, every),
        bytes_moved=sum(row.bytes_moved or 0 for row in rows),
    )


def separable_macs(row: LayerCost) -> int:
    """MACs of the row with its convolution, if eligible, made separable; 0 if unknown."""
    replaced = row.separable.macs if row.separable and row.separable.eligible else None
    return (row.macs or 0) if replaced is None else replaced


def _coverage(context: _Context, rows: Sequence[LayerCost]) -> Coverage:
    """Count the rows that decide the totals: with ``max``, those of both branches."""
    undecided = context.conventions.if_branches == "max"
    choices = context.network.choices
    statuses = Counter(
        row.status
        for row in rows
        if row.counted or (undecided and branches.may_run(row.layer, choices))
    )
    return Coverage(
        counted=statuses[CountStatus.COUNTED],
        free=statuses[CountStatus.FREE],
        unknown=statuses[CountStatus.UNKNOWN],
        unresolved=statuses[CountStatus.UNRESOLVED],
    )
