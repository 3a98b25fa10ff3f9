"""Factors from the weight alone.

By Eckart and Young (1936) the leading singular vectors of each matrix A of a form (see ``blocks``)
give its best approximation of rank R: with AᵀA = V Λ Vᵀ, the spatial part is the first R columns
of V, the pointwise part is A·V, and the squared error is the sum of the eigenvalues left out. So
one batched ``eigh`` of small Gram matrices gives the factors and the error of every rank. The Gram
matrix of the smaller side is used, which also makes full rank exact up to rounding.

No closed form is known for the best depthwise-bottleneck (Hillar and Lim 2013): a descent starts
from the strongest components of the better of the other two separable forms.

With a scale s per output channel (that of a following BatchNormalization), the error minimised is
‖diag(s)(W - W')‖.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sepcost.separable.factors import polyadic
from sepcost.separable.factors.blocks import (
    WHOLE,
    Array,
    Cut,
    Form,
    chunks,
    cut_for,
    fold,
    normalize,
    ranks,
    refold,
    room,
    tails,
    unfold_factors,
)
from sepcost.separable.factors.spectrum import EXACT, gram, largest, relative, row_scale, squares

__all__ = ["Factors", "Form", "factorize", "ranks", "reconstruct"]


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """Weights of R branches whose sum replaces a convolution.

    Every array is a Conv weight, ready to emit, in float64. With N output and M input channels
    in G groups:

    =================== ==================== ========================
    form                spatial              pointwise
    =================== ==================== ========================
    depthwise-pointwise [R, M, 1, *kernel]   [R, N, M/G, 1...]
    pointwise-depthwise [R, N, 1, *kernel]   [R, N, M/G, 1...]
    block-pointwise     [1, M, g, *kernel]   [1, N, M/G, 1...]
    bottleneck          [1, G·q, M/G, *k]    [1, N, q, 1...]
    depthwise-bottl.    [1, G·q, 1, *kernel] [1, N, q, 1...]
    =================== ==================== ========================

    The pointwise part has the original's G groups; the spatial part has M, N, M/g, G and G·q
    groups. In a depthwise-bottleneck, ``first`` precedes the spatial part.
    """

    form: Form
    rank: int  # R branches; width g for block-pointwise; q channels for the bottlenecks
    full_rank: int  # the rank at which the form is exact for this kernel; 0 if none is
    group: int  # of the original convolution
    spatial: Array
    pointwise: Array
    bias: Array | None  # [N]; None keeps the original's
    relative_error: float  # ‖W - W'‖ / ‖W‖ in the scale's metric, or the error on the data
    first: Array | None = None  # [G·q, M/G, 1...]: the pointwise part before the spatial part


def factorize(
    weight: NDArray[Any],
    form: Form | str,
    rank: int,
    *,
    group: int = 1,
    scale: ArrayLike | None = None,
) -> Factors:
    """The best factors of a form and rank for a weight, without data.

    Parameters
    ----------
    weight
        [N, M/G, *kernel], as in a Conv, of any float type.
    form, rank
        See ``ranks``.
    group
        G of the convolution.
    scale
        [N], the weight of an error in each output channel; only magnitudes matter.

    Returns
    -------
    Factors
        Kernels have unit norm; zero kernels have zero factors and no error. ``bias`` is None.

    Raises
    ------
    ConversionError
        The weight contains NaN or infinity, or the form does not have this rank.

    Examples
    --------
    A weight whose channel pairs share one 3×3 kernel, up to scale, is exact at rank 1:

    >>> import numpy as np, sepcost
    >>> weight = np.multiply.outer(np.ones((8, 4)), np.eye(3))
    >>> factors = sepcost.factorize(weight, "depthwise-pointwise", 1)
    >>> factors.relative_error < 1e-12
    True
    """
    cut = cut_for(weight.shape, form, rank, group=group)
    peak, rows = largest(weight), None if scale is None else row_scale(scale, cut)
    spatial, pointwise = room(cut)
    lost = whole = 0.0
    spectrum = np.zeros(1)
    for where, matrices in chunks(weight, cut, peak):
        kernels, points, values = _leading(matrices, rows, where, cut)
        spatial[where], pointwise[where] = normalize(kernels, points)
        rest = pointwise[where] @ spatial[where]
        np.subtract(matrices, rest, out=rest)
        lost += _power(rest, rows, where)
        whole += _power(matrices, rows, where)
        spectrum = spectrum + (values if scale is None else squares(matrices, cut)).sum((0, 1))
    error = float(np.sqrt(lost / whole)) if whole else 0.0
    full = _full_rank(cut, spectrum)
    kernels, points, first = fold(spatial, pointwise * peak, cut)
    return Factors(cut.form, rank, full, group, kernels, points, None, error, first)


def reconstruct(factors: Factors) -> Array:
    """The weight [N, M/G, *kernel] of the single convolution that the factors compute."""
    outputs, inputs = factors.pointwise.shape[1:3]
    kernels = factors.spatial if factors.first is None else factors.first * factors.spatial
    if factors.form in WHOLE:
        inputs = kernels.shape[2]
    shape = (outputs, inputs, *kernels.shape[3:])
    cut = Cut(factors.form, factors.rank, shape, factors.group)
    spatial, pointwise = unfold_factors(kernels, factors.pointwise, cut)
    return refold(pointwise @ spatial, cut)


def _power(matrices: Array, rows: Array | None, where: tuple[slice, slice]) -> float:
    """Sum of squares, with weighted rows."""
    weighted = matrices if rows is None else matrices * rows[where]
    return float(np.vdot(weighted, weighted))


def _leading(
    matrices: Array, rows: Array | None, where: tuple[slice, slice], cut: Cut
) -> tuple[Array, Array, Array]:
    """The best spatial and pointwise factors of diag(rows)·A, and its squared singular values."""
    weighted = matrices if rows is None else matrices * rows[where]
    if cut.form is Form.DEPTHWISE_BOTTLENECK:
        spatial, pointwise, _ = polyadic.fit(weighted[:, 0], cut.width, cut.rank)
        pointwise = pointwise if rows is None else pointwise / rows[where][:, 0]
        return spatial[:, None], pointwise[:, None], squares(weighted, cut)
    rank = cut.rank
    values, vectors = np.linalg.eigh(gram(weighted))
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


def _full_rank(cut: Cut, spectrum: Array) -> int:
    """The exact rank by the spectrum; for blocks by the shape, as widths share no spectrum."""
    if cut.form is Form.BLOCK_POINTWISE:
        return cut.shape[1] if cut.rows <= cut.shape[1] else 0
    return int(np.argmax(relative(tails(spectrum))[1:] <= EXACT)) + 1
