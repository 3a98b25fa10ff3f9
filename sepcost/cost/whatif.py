"""What depthwise-separable convolution would make of a layer: rank 1, all else unchanged.

Every output channel of a regular convolution has its own spatial kernel for each input channel;
the separable one has one depthwise kernel for each input channel, then mixes channels with a
pointwise convolution (Howard et al. 2017, eq. 5). Stride, dilation, padding and transposition go
to the depthwise part; groups stay groups in the pointwise part.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from sepcost.cost import formulas
from sepcost.cost.analysis import Convolution, LayerCost, Separable
from sepcost.cost.geometry import operands
from sepcost.network import Layer, Network


def separable(
    layer: Layer, convolution: Convolution, macs: int | None, params: int, bias: int = 0
) -> Separable:
    """Give the depthwise + pointwise counterpart of one convolution.

    Parameters
    ----------
    layer, convolution
        The layer, and its geometry from ``geometry.convolution``.
    macs
        MACs of one run, None where they are not known.
    params
        Those that the layer brings to the network; 0 where its weight was counted before, and
        then the counterpart brings none either.
    bias
        How many of ``macs`` are the bias, which the pointwise part takes over.

    Returns
    -------
    Separable
        Of one run. Ineligible where ``reason`` says so; "not profitable" keeps its figures.
    """
    reason = _ineligible(layer, convolution)
    if reason is not None:
        return Separable(False, reason, None, None, None, None)
    before = formulas.regular(*_regular(convolution)) + bias
    if macs not in (None, before):
        return Separable(False, "counted by another formula", None, None, None, None)
    replaced = counterpart_macs(convolution) + bias
    saves = replaced < before
    return Separable(
        eligible=saves,
        reason=None if saves else "not profitable",
        macs=None if macs is None else replaced,
        params=counterpart_params(convolution, params),
        ratio=replaced / before if before else None,
        break_even_rank=before / replaced if replaced else None,
    )


def counterpart_macs(convolution: Convolution) -> int:
    """MACs of the depthwise part where it runs plus those of the pointwise part where it does."""
    channels = (convolution.in_channels, convolution.out_channels)
    return formulas.depthwise(
        convolution.kernel, convolution.in_channels, convolution.positions
    ) + formulas.pointwise(channels, convolution.pointwise_positions, convolution.group)


def weight_params(convolution: Convolution) -> int:
    """Elements of the regular weight."""
    channels = (convolution.in_channels, convolution.out_channels)
    return formulas.regular_params(convolution.kernel, channels, convolution.group)


def separable_weight_params(convolution: Convolution) -> int:
    """Elements of the two weights that take its place: ``K * M + M * N / group``."""
    channels = (convolution.in_channels, convolution.out_channels)
    return formulas.separable_params(convolution.kernel, channels, convolution.group)


def counterpart_params(convolution: Convolution, params: int) -> int:
    """Swap the weight's elements for its counterpart's; a bias stays."""
    weight = weight_params(convolution)
    if params < weight:
        return params
    return params - weight + separable_weight_params(convolution)


def separable_network_params(network: Network, rows: Iterable[LayerCost]) -> int:
    """How many params the network gains (below 0: saves) with every eligible row replaced.

    Each weight counts once however many rows share it, and one that a row still needs as it is
    stays beside its counterpart.
    """
    replaced: dict[str, int] = {}
    kept: set[str] = set()
    for row in rows:
        weight = _weight_name(network, row)
        kept.update(name for name in row.layer.parameters if name != weight)
        if weight and row.convolution:
            replaced[weight] = separable_weight_params(row.convolution)
    return sum(
        params - (0 if name in kept else network.parameters[name].elements or 0)
        for name, params in replaced.items()
    )


def _weight_name(network: Network, row: LayerCost) -> str | None:
    """Return the parameter that an eligible row would do without."""
    if row.convolution is None or row.separable is None or not row.separable.eligible:
        return None
    layer, where, size = row.layer, operands(row.layer), weight_params(row.convolution)
    direct = layer.reads[where.weight] if where and where.weight < len(layer.reads) else ""
    names = [direct] if direct in layer.parameters else layer.parameters
    found = (network.parameters.get(name) for name in names)
    return next((value.name for value in found if value and value.elements == size), None)


def _regular(convolution: Convolution) -> tuple[tuple[int, ...], tuple[int, int], int, int]:
    channels = (convolution.in_channels, convolution.out_channels)
    return convolution.kernel, channels, convolution.positions, convolution.group


def _ineligible(layer: Layer, convolution: Convolution) -> str | None:
    """Why the layer has no separable counterpart: the first that holds."""
    where = operands(layer)
    kernel, group = convolution.kernel, convolution.group
    deformable = where is not None and where.deformable
    run_time = where is not None and where.weight not in layer.weights
    reasons = (
        (prod(kernel) == 1, "already pointwise"),
        (convolution.in_channels == group, _depthwise_reason(convolution)),
        (deformable, "deformable sampling"),
        (run_time, "weights computed at run time"),
        (convolution.out_channels == 1, "one output channel"),
        (convolution.out_channels == group, "one output channel a group"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def _depthwise_reason(convolution: Convolution) -> str:
    if convolution.in_channels == 1:
        return "already depthwise: one input channel"
    if convolution.out_channels > convolution.group:
        multiplier = convolution.out_channels // convolution.group
        return f"already depthwise, {multiplier} kernels a channel"
    return "already depthwise"
