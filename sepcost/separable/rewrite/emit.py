"""Write factors as nodes, in one of several emitted forms.

All emitted forms compute the same sum over r of P_r · (D_r * x); they differ in how fast a runtime
executes them. Stride, dilation and padding belong to the spatial part, which pads with zeros like
the original; the bias is added after all padding. A depthwise-bottleneck is one such product,
preceded by a pointwise part at the positions of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from sepcost.cost.dense import as_convolution
from sepcost.cost.geometry import convolution
from sepcost.errors import ConversionError
from sepcost.network import Layer
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.rewrite.dense import two_products
from sepcost.separable.rewrite.draft import Replacement

if TYPE_CHECKING:
    from sepcost.separable.factors.kernels import Factors

POINTWISE_FIRST = "pointwise-depthwise"
DEPTHWISE_FIRST = "depthwise-pointwise"

#: The spatial part of each form in the names of nodes.
SPATIAL: Mapping[str, str] = {
    DEPTHWISE_FIRST: "depthwise",
    POINTWISE_FIRST: "depthwise",
    "block-pointwise": "block",
    "depthwise-bottleneck": "depthwise",
    "bottleneck": "bottleneck",
}


def _sum(draft: Replacement, factors: Factors) -> None:
    """Σ_r P_r(D_r(x)), bias in the last: the runtime fuses each addition into a pointwise part."""
    if draft.candidate.dense is not None:
        two_products(draft, draft.candidate.dense, factors)
        return
    _branches(draft, factors, _spatial_first)


def _pointwise_first(draft: Replacement, factors: Factors) -> None:
    """Σ_r D_r(P_r(x)), bias in the last: before a spatial part it would not reach the padding."""
    _branches(draft, factors, _pointwise_then_spatial)


Branch = Callable[[Replacement, "Factors", int, str], str]


def _branches(draft: Replacement, factors: Factors, branch: Branch) -> None:
    ranks = len(factors.spatial)
    total = ""
    for r in range(ranks):
        bias = draft.bias(factors.bias) if r == ranks - 1 else ""
        value = branch(draft, factors, r, bias)
        total = draft.add(total, value, r) if total else value


def _spatial_first(draft: Replacement, factors: Factors, r: int, bias: str) -> str:
    source, last = draft.source, "pointwise" + _number(factors, r)
    if factors.first is not None:
        source, last = draft.pointwise("pointwise_1", source, factors.first), "pointwise_2"
    label = SPATIAL[factors.form] + _number(factors, r)
    middle = draft.spatial(label, source, factors.spatial[r])
    return draft.pointwise(last, middle, factors.pointwise[r], bias)


def _pointwise_then_spatial(draft: Replacement, factors: Factors, r: int, bias: str) -> str:
    label = "pointwise" + _number(factors, r)
    middle = draft.pointwise(label, draft.source, factors.pointwise[r])
    return draft.spatial("depthwise" + _number(factors, r), middle, factors.spatial[r], bias)


def _number(factors: Factors, r: int) -> str:
    return f"_{r + 1}" if len(factors.spatial) > 1 else ""


def _concat(draft: Replacement, factors: Factors) -> None:
    """[P_1 ... P_R] · concat(D_1(x) ... D_R(x)); only for ungrouped convolutions."""
    parts = [
        draft.spatial(f"depthwise{_number(factors, r)}", draft.source, kernel)
        for r, kernel in enumerate(factors.spatial)
    ]
    merged = np.concatenate(list(factors.pointwise), axis=1)
    middle = draft.concat(parts) if len(parts) > 1 else parts[0]
    draft.pointwise("pointwise", middle, merged, draft.bias(factors.bias))


def _grouped(draft: Replacement, factors: Factors) -> None:
    """P · D(x), one convolution with R kernels per channel: output m·R + r is D_r of channel m."""
    kernels, mixes = np.moveaxis(factors.spatial, 0, 1), np.moveaxis(factors.pointwise, 0, 2)
    spatial = kernels.reshape(-1, *kernels.shape[2:])
    pointwise = mixes.reshape(mixes.shape[0], -1, *mixes.shape[3:])
    middle = draft.spatial("depthwise", draft.source, spatial)
    draft.pointwise("pointwise", middle, pointwise, draft.bias(factors.bias))


#: Every emitted form by its name.
EMITTED: Mapping[str, Callable[[Replacement, Factors], None]] = {
    "sum": _sum,
    "pointwise-first": _pointwise_first,
    "concat": _concat,
    "grouped": _grouped,
}


def applicable(factors: Factors) -> tuple[str, ...]:
    """Emitted forms of these factors, the default first."""
    if factors.form == POINTWISE_FIRST:
        return ("pointwise-first",)
    if factors.form != DEPTHWISE_FIRST or len(factors.spatial) == 1:
        return ("sum",)
    return ("sum", "concat", "grouped") if factors.group == 1 else ("sum", "grouped")


def emit(draft: Replacement, factors: Factors, form: str) -> None:
    """Write ``factors`` into ``draft`` in one of the emitted forms.

    Raises
    ------
    ConversionError
        The form is unknown, or the factors cannot be written in it.
    """
    possible = applicable(factors)
    if form not in possible:
        raise ConversionError(
            f"{draft.name}: {factors.form} of rank {factors.rank} with group {factors.group}"
            f" cannot be emitted as {form!r}; choose from {', '.join(possible)}"
        )
    EMITTED[form](draft, factors)


def macs(candidate: Candidate, factors: Factors) -> int:
    """MACs of ``factors`` in place of a candidate, the same in every emitted form.

    ``|D| · positions + |P| · pointwise positions``, as ``sepcost.cost`` counts the result: the
    pointwise part runs at input positions if it comes first. Summed over all layers of the
    candidate; as in the analysis, a layer in a loop of unknown length adds nothing.
    """
    return sum(_once(layer, factors) * (layer.trips or 0) for layer in candidate.layers)


def _once(layer: Layer, factors: Factors) -> int:
    geometry = convolution(layer) or as_convolution(layer)
    if geometry is None:
        return 0
    given = prod(layer.inputs[0]) // geometry.in_channels
    mixed_at = given if factors.form == POINTWISE_FIRST else geometry.pointwise_positions
    first = 0 if factors.first is None else factors.first.size * given
    mixed = factors.pointwise.size * mixed_at
    return int(first + factors.spatial.size * geometry.positions + mixed)


def params(candidate: Candidate, factors: Factors) -> int:
    """Elements of the new weights, and of a bias if the original has none."""
    added = factors.bias is not None and not candidate.has_bias
    biases = factors.bias.size if added and factors.bias is not None else 0
    first = 0 if factors.first is None else factors.first.size
    return int(first + factors.spatial.size + factors.pointwise.size + biases)
