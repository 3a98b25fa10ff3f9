"""Singular values of a weight's matrices: the error of each rank.

They are the roots of the eigenvalues of Gram matrices of the smaller side.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sepcost.errors import ConversionError
from sepcost.separable.factors import polyadic
from sepcost.separable.factors.blocks import Array, Cut, Form, chunks, cut_for, ranks, tails

#: A rank is exact if its error is below this share of the weight's norm; float32 rounds at 6e-8.
EXACT = 1e-6

_FAINTEST = 1e-4  # share of the largest scale; no channel weighs less, so none is given up


def error_curve(
    weight: NDArray[Any],
    form: Form,
    *,
    group: int = 1,
    scale: ArrayLike | None = None,
    widths: Collection[int] | None = None,
) -> Array:
    """‖W - W'‖ / ‖W‖ of the best factors, for all ranks.

    Parameters
    ----------
    weight, form, group, scale
        As for ``factorize``.
    widths
        For block-pointwise, whose widths share no spectrum, the widths to compute; default: all.
        For depthwise-bottleneck, the widths that are followed a little further; default: none.

    Returns
    -------
    ndarray
        Element R is the error at rank R, from 0 (nothing kept: 1) to the largest of ``ranks``;
        infinite at widths that do not divide M/G or were left out; zeros for a zero weight. For
        a depthwise-bottleneck the errors are upper bounds: those at the start of a descent, or
        after its first steps.

    Raises
    ------
    ConversionError
        The weight contains NaN or infinity.
    """
    peak, legal = largest(weight), ranks(weight.shape, form, group=group)
    if form != Form.BLOCK_POINTWISE:
        spectrum = _spectrum(weight, cut_for(weight.shape, form, 1, group=group), peak, scale)
        curve = relative(tails(spectrum))
        if form == Form.DEPTHWISE_BOTTLENECK:
            for width in sorted(set(widths or ()).intersection(legal)):
                cut = cut_for(weight.shape, form, width, group=group)
                curve[width] = _followed(weight, cut, peak, scale)
        return curve
    curve = np.full(legal[-1] + 1, np.inf)
    curve[0] = 1.0 if peak else 0.0
    for width in legal if widths is None else sorted(set(widths).intersection(legal)):
        cut = cut_for(weight.shape, form, width, group=group)
        left = relative(tails(_spectrum(weight, cut, peak, scale)))
        curve[width] = left[width] if width < len(left) else 0.0
    return curve


def exact_rank(
    weight: NDArray[Any], form: Form, *, group: int = 1, tolerance: float = EXACT
) -> int:
    """The smallest rank whose error is at most ``tolerance`` of the weight's norm.

    Returns
    -------
    int
        1 for a separable kernel (and for zeros); 0 if no width of block-pointwise is exact,
        which is possible if N > M.

    Raises
    ------
    ConversionError
        The weight contains NaN or infinity.
    """
    exact = np.flatnonzero(error_curve(weight, form, group=group)[1:] <= tolerance)
    return int(exact[0]) + 1 if exact.size else 0


def importance(scale: ArrayLike | None, outputs: int) -> Array:
    """Weights of N output channels, between 1e-4 and 1; ones without a scale."""
    size = np.abs(np.asarray(np.ones(outputs) if scale is None else scale, np.float64))
    top = size.max()
    return np.maximum(size / top, _FAINTEST) if top > 0 else np.ones_like(size)


def largest(weight: NDArray[Any]) -> float:
    """The largest magnitude: divided by it, weights have squares that neither overflow nor vanish.

    Raises
    ------
    ConversionError
        The weight contains NaN or infinity.
    """
    with np.errstate(invalid="ignore"):  # bfloat16 warns about the NaN checked for here
        high, low = float(np.max(weight)), float(np.min(weight))
    if not np.isfinite([high, low]).all():
        raise ConversionError("the weights contain NaN or infinity; repair or skip the layer")
    return max(abs(high), abs(low))


def row_scale(scale: ArrayLike | None, cut: Cut) -> Array:
    """[G, matrices, rows or 1, 1]: the weight of each row of each matrix."""
    size = importance(scale, cut.shape[0])
    if cut.form is Form.POINTWISE_DEPTHWISE:
        return size.reshape(cut.group, cut.rows, 1, 1)
    blocks = cut.shape[1] // cut.width
    rows = size.reshape(cut.group, 1, cut.rows, 1)
    return np.broadcast_to(rows, (cut.group, blocks, cut.rows, 1))


def gram(matrices: Array) -> Array:
    """AᵀA or AAᵀ, whichever is smaller."""
    turned = matrices.swapaxes(-1, -2)
    return matrices @ turned if matrices.shape[-2] < matrices.shape[-1] else turned @ matrices


def squares(matrices: Array, cut: Cut) -> Array:
    """Squared singular values [G, matrices, min(rows, columns)], descending.

    A depthwise-bottleneck has none; its values are a lower bound of what each channel gains.
    """
    if cut.form is Form.DEPTHWISE_BOTTLENECK:
        kernels = matrices.reshape(len(matrices), cut.rows, cut.width, -1)
        return polyadic.squares(kernels)[:, None]
    values = np.linalg.eigvalsh(gram(matrices)).astype(np.float64, copy=False)
    return np.maximum(values[..., ::-1], 0.0)


def _spectrum(weight: NDArray[Any], cut: Cut, peak: float, scale: ArrayLike | None) -> Array:
    """Squared singular values, summed over the matrices by rank."""
    rows = None if scale is None else row_scale(scale, cut)
    parts = (
        squares(part if rows is None else part * rows[where], cut)
        for where, part in chunks(weight, cut, peak)
    )
    return np.asarray(np.sum([part.sum((0, 1)) for part in parts], axis=0), np.float64)


def _followed(weight: NDArray[Any], cut: Cut, peak: float, scale: ArrayLike | None) -> float:
    """The error of a depthwise-bottleneck near the start of its descent."""
    rows = None if scale is None else row_scale(scale, cut)
    lost = whole = 0.0
    for where, part in chunks(weight, cut, peak):
        matrices = (part if rows is None else part * rows[where])[:, 0]
        lost += float(polyadic.left(matrices, cut.width, cut.rank).sum())
        whole += float(np.vdot(matrices, matrices))
    return float(np.sqrt(max(lost, 0.0) / whole)) if whole else 0.0


def relative(left_out: Array) -> Array:
    """Relative errors from the squares left out."""
    return np.asarray(np.sqrt(left_out / (left_out[0] or 1.0)), np.float64)
