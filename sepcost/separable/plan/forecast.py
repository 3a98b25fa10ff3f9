"""What a plan is going to cost, told before the model is built: as analyze will count it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sepcost.cost import branches
from sepcost.cost.analysis import Analysis
from sepcost.separable.plan.choices import Choice
from sepcost.separable.rewrite import emit


def macs(before: Analysis, choices: Sequence[Choice]) -> int:
    """MACs of the network once ``choices`` are carried out.

    Where the dearest branch of an If counts, a conversion in it may leave another the dearest.
    """
    anew = {
        layer.id: emit.macs(replace(one.candidate, layer=layer, repeats=()), one.factors)
        for one in choices
        for layer in one.candidate.layers
    }
    costs = [
        (anew.get(row.layer.id, row.macs or 0), row.elementwise_ops or 0) for row in before.rows
    ]
    layers = before.network.layers
    sides = branches.sides(layers, costs, before.network.choices, before.conventions.if_branches)
    return sum(
        cost for layer, (cost, _) in zip(layers, costs, strict=True) if branches.runs(layer, sides)
    )
