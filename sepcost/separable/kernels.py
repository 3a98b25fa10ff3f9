"""From one kernel to two, from the weights alone.

Each matrix A of a form (see ``blocks``) has its best approximation of rank R, by Eckart and
Young (1936), in its leading singular vectors: with AᵀA = V Λ Vᵀ the spatial part is the first R
columns of V, the pointwise part A·V, and the squared error the sum of the eigenvalues left out.
So one batched ``eigh`` of small Gram matrices gives the factors, and the error of every rank at
once. The Gram is taken on the smaller side, which also makes full rank exact to rounding.

With a scale s for each output channel (what a following BatchNormalization multiplies by) the
error minimised is ‖diag(s)(W - W')‖.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sepcost.errors import ConversionError
from sepcost.separable.blocks import (
    Array,
    Form,
    Layout,
    chunks,
    fold,
    layout,
    normalize,
    ranks,
    refold,
    room,
    unfold_factors,
)

__all__ = ["Factors", "Form", "error_curve", "exact_rank", "factorize", "ranks", "reconstruct"]

#: A rank is exact where it leaves less than this of the weight's norm: float32 keeps 6e-8 of it.
EXACT = 1e-6

_FAINTEST = 1e-4  # of the largest scale: no output channel weighs less, so none is given up


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """R branches whose sum is the convolution.

    Every array is a Conv weight ready to emit, in float64. With N output and M input channels
    in G groups:

    =================== ==================== ========================
    form                spatial              pointwise
    =================== ==================== ========================
    depthwise-pointwise [R, M, 1, *kernel]   [R, N, M/G, 1...]
    pointwise-depthwise [R, N, 1, *kernel]   [R, N, M/G, 1...]
    block-pointwise     [1, M, g, *kernel]   [1, N, M/G, 1...]
    bottleneck          [1, G·q, M/G, *k]    [1, N, q, 1...]
    =================== ==================== ========================

    The pointwise part has the original's G groups. The spatial part has M, N, M/g and G.
    """

    form: Form
    rank: int  # R for the separable forms; width g for block-pointwise; q for bottleneck
    full_rank: int  # the rank at which the form is exact for this kernel; 0 where it never is
    group: int  # of the original convolution
    spatial: Array
    pointwise: Array
    bias: Array | None  # [N] where it changed, None = keep the original's
    relative_error: float  # ‖W - W'‖ / ‖W‖ in the scale's metric, or the fitted error on data


def factorize(
    weight: NDArray[Any],
    form: Form,
    rank: int,
    *,
    group: int = 1,
    scale: ArrayLike | None = None,
) -> Factors:
    """The best factors of a form and rank for a weight, nothing known of its inputs.

    Parameters
    ----------
    weight
        [N, M/G, *kernel], as a Conv holds it, of any float type.
    form, rank
        What to make of it, see ``ranks``.
    group
        G of the convolution.
    scale
        [N], how much an error of each output channel counts; only magnitudes matter.

    Returns
    -------
    Factors
        Kernels have unit norm; zero kernels have zero factors and no error. ``bias`` is None.

    Raises
    ------
    ConversionError
        The weight has NaN or infinite elements, or the form has no such rank.

    Examples
    --------
    A kernel that is one 3×3 kernel times one number a pair of channels loses nothing at rank 1:

    >>> import numpy as np, sepcost
    >>> weight = np.multiply.outer(np.ones((8, 4)), np.eye(3))
    >>> factors = sepcost.factorize(weight, "depthwise-pointwise", 1)
    >>> factors.relative_error < 1e-12
    True
    """
    cut = layout(weight.shape, form, rank, group=group)
    peak, rows = largest(weight), None if scale is None else _row_scale(scale, cut)
    spatial, pointwise = room(cut)
    lost = whole = 0.0
    spectrum = np.zeros(1)
    for where, matrices in chunks(weight, cut, peak):
        kernels, points, values = _leading(matrices, rows, where, spatial.shape[2])
        spatial[where], pointwise[where] = normalize(kernels, points)
        rest = pointwise[where] @ spatial[where]
        np.subtract(matrices, rest, out=rest)
        lost += _power(rest, rows, where)
        whole += _power(matrices, rows, where)
        spectrum = spectrum + (values if scale is None else _squares(matrices)).sum((0, 1))
    factors = fold(spatial, pointwise * peak, cut)
    full = _full_rank(cut, spectrum)
    error = float(np.sqrt(lost / whole)) if whole else 0.0
    return Factors(form, rank, full, group, *factors, None, error)


def error_curve(
    weight: NDArray[Any],
    form: Form,
    *,
    group: int = 1,
    scale: ArrayLike | None = None,
    widths: Collection[int] | None = None,
) -> Array:
    """‖W - W'‖ / ‖W‖ of the best factors, for every rank at once.

    Parameters
    ----------
    weight, form, group, scale
        As for ``factorize``.
    widths
        Of block-pointwise, whose widths share no spectrum: the ones to compute, all by default.

    Returns
    -------
    ndarray
        Element R is the error at rank R, from 0 (nothing kept: 1) to the largest of ``ranks``;
        infinite at widths that do not divide M/G or were not asked for. Zeros where the weight
        is zero.

    Raises
    ------
    ConversionError
        The weight has NaN or infinite elements.
    """
    peak, legal = largest(weight), ranks(weight.shape, form, group=group)
    if form is not Form.BLOCK_POINTWISE:
        spectrum = _spectrum(weight, layout(weight.shape, form, 1, group=group), peak, scale)
        return _relative(_tails(spectrum))
    curve = np.full(legal[-1] + 1, np.inf)
    curve[0] = 1.0 if peak else 0.0
    for width in legal if widths is None else sorted(set(widths).intersection(legal)):
        cut = layout(weight.shape, form, width, group=group)
        tails = _relative(_tails(_spectrum(weight, cut, peak, scale)))
        curve[width] = tails[width] if width < len(tails) else 0.0
    return curve


def exact_rank(
    weight: NDArray[Any], form: Form, *, group: int = 1, tolerance: float = EXACT
) -> int:
    """The smallest rank that loses no more than ``tolerance`` of the weight's norm.

    Returns
    -------
    int
        1 for a separable kernel (and for zeros); 0 where no width of block-pointwise is exact,
        which N > M can cause.

    Raises
    ------
    ConversionError
        The weight has NaN or infinite elements.
    """
    exact = np.flatnonzero(error_curve(weight, form, group=group)[1:] <= tolerance)
    return int(exact[0]) + 1 if exact.size else 0


def reconstruct(factors: Factors) -> Array:
    """The weight [N, M/G, *kernel] of the one convolution that the factors compute."""
    outputs, inputs = factors.pointwise.shape[1:3]
    if factors.form is Form.BOTTLENECK:
        inputs = factors.spatial.shape[2]
    shape = (outputs, inputs, *factors.spatial.shape[3:])
    cut = Layout(factors.form, factors.rank, shape, factors.group)
    spatial, pointwise = unfold_factors(factors.spatial, factors.pointwise, cut)
    return refold(pointwise @ spatial, cut)


def importance(scale: ArrayLike | None, outputs: int) -> Array:
    """How much each of N output channels counts: 1 at most, 1e-4 at least, ones without a scale."""
    size = np.abs(np.asarray(np.ones(outputs) if scale is None else scale, np.float64))
    top = size.max()
    return np.maximum(size / top, _FAINTEST) if top > 0 else np.ones_like(size)


def largest(weight: NDArray[Any]) -> float:
    """The largest magnitude; squares of weights divided by it neither overflow nor vanish.

    Raises
    ------
    ConversionError
        The weight has NaN or infinite elements.
    """
    with np.errstate(invalid="ignore"):  # bfloat16 warns of the NaN that is looked for
        high, low = float(np.max(weight)), float(np.min(weight))
    if not np.isfinite([high, low]).all():
        raise ConversionError("the weights hold NaN or infinite values; repair or skip the layer")
    return max(abs(high), abs(low))


def _row_scale(scale: ArrayLike | None, cut: Layout) -> Array:
    """[G, matrices, rows or 1, 1]: what each row of each matrix counts."""
    size = importance(scale, cut.shape[0])
    if cut.form is Form.POINTWISE_DEPTHWISE:
        return size.reshape(cut.group, cut.rows, 1, 1)
    blocks = cut.shape[1] // cut.width
    rows = size.reshape(cut.group, 1, cut.rows, 1)
    return np.broadcast_to(rows, (cut.group, blocks, cut.rows, 1))


def _gram(matrices: Array) -> Array:
    """AᵀA or AAᵀ, whichever is smaller."""
    turned = matrices.swapaxes(-1, -2)
    return matrices @ turned if matrices.shape[-2] < matrices.shape[-1] else turned @ matrices


def _power(matrices: Array, rows: Array | None, where: tuple[slice, slice]) -> float:
    """Sum of squares, rows weighed."""
    weighted = matrices if rows is None else matrices * rows[where]
    return float(np.vdot(weighted, weighted))


def _leading(
    matrices: Array, rows: Array | None, where: tuple[slice, slice], rank: int
) -> tuple[Array, Array, Array]:
    """The best spatial and pointwise factors of diag(rows)·A, and its squared singular values."""
    weighted = matrices if rows is None else matrices * rows[where]
    values, vectors = np.linalg.eigh(_gram(weighted))
    values, vectors = np.maximum(values[..., ::-1], 0.0), vectors[..., ::-1][..., :rank]
    if matrices.shape[-2] < matrices.shape[-1]:
        spatial = vectors.swapaxes(-1, -2) @ weighted
        pointwise = vectors if rows is None else vectors / rows[where]
    else:
        spatial, pointwise = vectors.swapaxes(-1, -2), matrices @ vectors
    short = rank - vectors.shape[-1]
    if short:
        spatial = np.pad(spatial, [(0, 0), (0, 0), (0, short), (0, 0)])
        pointwise = np.pad(pointwise, [(0, 0), (0, 0), (0, 0), (0, short)])
    return spatial, pointwise, values


def _squares(matrices: Array) -> Array:
    """Squared singular values [G, matrices, min(rows, columns)], descending."""
    values = np.linalg.eigvalsh(_gram(matrices)).astype(np.float64, copy=False)
    return np.maximum(values[..., ::-1], 0.0)


def _spectrum(weight: NDArray[Any], cut: Layout, peak: float, scale: ArrayLike | None) -> Array:
    """Squared singular values, summed over the matrices by their order."""
    rows = None if scale is None else _row_scale(scale, cut)
    parts = (
        _squares(part if rows is None else part * rows[where])
        for where, part in chunks(weight, cut, peak)
    )
    return np.asarray(np.sum([part.sum((0, 1)) for part in parts], axis=0), np.float64)


def _tails(spectrum: Array) -> Array:
    """What is left out when the first 0, 1, 2, ... are kept."""
    return np.append(np.cumsum(spectrum[::-1])[::-1], 0.0)


def _relative(tails: Array) -> Array:
    return np.asarray(np.sqrt(tails / (tails[0] or 1.0)), np.float64)


def _full_rank(cut: Layout, spectrum: Array) -> int:
    """The exact rank by the spectrum at hand; for blocks by the shape, as widths are unlike."""
    if cut.form is Form.BLOCK_POINTWISE:
        return cut.shape[1] if cut.rows <= cut.shape[1] else 0
    return int(np.argmax(_relative(_tails(spectrum))[1:] <= EXACT)) + 1
