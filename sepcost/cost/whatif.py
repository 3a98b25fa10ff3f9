"""The depthwise-separable counterpart of a convolution: rank 1, everything else unchanged.

In a regular convolution, every output channel has its own spatial kernel per input channel. The
separable one has one depthwise kernel per input channel, then mixes channels with a pointwise
convolution (Howard et al. 2017, eq. 5). Stride, dilation, padding and transposition move to the
depthwise part; groups remain in the pointwise part.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from sepcost.cost import formulas
from sepcost.cost.geometry import operands
from sepcost.cost.results import Convolution, LayerCost, Separable
from sepcost.network import Layer, Network


def separable(
    layer: Layer, convolution: Convolution, macs: int | None, params: int, bias: int = 0
) -> Separable:
    """Return the depthwise + pointwise counterpart of one convolution.

    Parameters
    ----------
    layer, convolution
        The layer, and its geometry from ``geometry.convolution``.
    macs
        MACs of one run; None if unknown.
    params
        Parameters that the layer adds to the network; 0 if its weight was counted before, and then
        the counterpart adds none either.
    bias
        How many of ``macs`` are the bias, which moves to the pointwise part.

    Returns
    -------
    Separable
        For one run. If ineligible, ``reason`` says why; "not profitable" keeps its figures.
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
    """MACs of the depthwise part at its positions plus those of the pointwise part at its own."""
    channels = (convolution.in_channels, convolution.out_channels)
    return formulas.depthwise(
        convolution.kernel, convolution.in_channels, convolution.positions
    ) + formulas.pointwise(channels, convolution.pointwise_positions, convolution.group)


def weight_params(convolution: Convolution) -> int:
    """Elements of the regular weight."""
    channels = (convolution.in_channels, convolution.out_channels)
    return formulas.regular_params(convolution.kernel, channels, convolution.group)


def separable_weight_params(convolution: Convolution) -> int:
    """Elements of the two weights that replace it: ``K * M + M * N / group``."""
    channels = (convolution.in_channels, convolution.out_channels)
    return formulas.separable_params(convolution.kernel, channels, convolution.group)


def counterpart_params(convolution: Convolution, params: int) -> int:
    """Replace the elements of the weight with those of its counterpart; a bias stays."""
    weight = weight_params(convolution)
    if params < weight:
        return params
    return params - weight + separable_weight_params(convolution)


def separable_network_params(network: Network, rows: Iterable[LayerCost]) -> int:
    """Params that the network gains (negative: saves) if every eligible row is replaced.

    A weight that several rows share counts once. If another row still needs it, it stays in
    addition to its counterpart.
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
    """Return the parameter that replacing an eligible row makes unnecessary."""
    if row.convolution is None or row.separable is None or not row.separable.eligible:
        return None
    layer, where, size = row.layer, operands(row.layer), weight_params(row.convolution)
    direct = layer.reads[where.weight] if where and where.weight < len(layer.reads) else ""
    names = [direct] if direct in layer.parameters else layer.parameters
    values = (network.parameters.get(name) for name in names)
    return next((value.name for value in values if value and value.elements == size), None)


def _regular(convolution: Convolution) -> tuple[tuple[int, ...], tuple[int, int], int, int]:
    channels = (convolution.in_channels, convolution.out_channels)
    return convolution.kernel, channels, convolution.positions, convolution.group


def _ineligible(layer: Layer, convolution: Convolution) -> str | None:
    """Return the first reason why the layer has no separable counterpart."""
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
        (convolution.out_channels == group, "one output channel per group"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def _depthwise_reason(convolution: Convolution) -> str:
    if convolution.in_channels == 1:
        return "already depthwise: one input channel"
    if convolution.out_channels > convolution.group:
        multiplier = convolution.out_channels // convolution.group
        return f"already depthwise, {multiplier} kernels per channel"
    return "already depthwise"
