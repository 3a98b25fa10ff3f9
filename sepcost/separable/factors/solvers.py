"""How each form's factors are fitted to moments: one solver a form.

A solver is made once for a layer, does what all ranks share, and is then asked for ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from sepcost.separable.factors import polyadic
from sepcost.separable.factors.blocks import Array, Cut, Form, unit
from sepcost.separable.factors.lbfgs import descend
from sepcost.separable.factors.projection import pointwise_first, spatial_first


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Minimise Σ w·S·wᵀ - 2·c·wᵀ over the rows w, with the ridge in S and C."""

    covariance: Array  # S [G, F, F]
    cross: Array  # C [G, N/G, F]
    weight: Array  # [G, N/G, F], the original, turned by the roots as C is
    total: Array  # [G, N/G]: the objective of w = 0 over that of no error
    roots: Array  # [G, N/G, N/G]: of the metric in which outputs count
    pull: Array  # [G]: how strongly the ridge pulls to the original


#: Spatial [G, matrices, rank, columns], pointwise [G, matrices, rows, rank], objective reached.
Solution = tuple[Array, Array, float]
Solver = Callable[[int], Solution]
_ROWS = 512  # of a covariance whitened at a time


def _spatial_first(problem: Problem, cut: Cut, iterations: int) -> Solver:
    """Kernels D of each block; V = D·L is free, with L·Lᵀ the covariance of what it reads."""
    columns = cut.width * prod(cut.kernel)
    roots, inverse = _block_roots(problem.covariance, columns)
    white = _whiten(problem.covariance, inverse)
    cross = _by_block(problem.cross, columns) @ inverse.swapaxes(2, 3)
    kernels = _by_block(problem.weight, columns) @ roots
    _, vectors = np.linalg.eigh(kernels.swapaxes(2, 3) @ kernels)
    size = np.maximum(problem.total.sum(1), 1e-300)

    def evaluate(free: Array) -> tuple[Array, Array, Array]:
        return spatial_first(free, white, cross)

    def solve(rank: int) -> Solution:
        start = vectors[..., ::-1][..., :rank].swapaxes(2, 3)
        free = descend(evaluate, start, size, iterations)
        value, _, pointwise = evaluate(free)
        return free @ inverse, pointwise, float(value.sum())

    return solve


def _pointwise_first(problem: Problem, cut: Cut, iterations: int) -> Solver:
    """Pointwise kernels of each output, free in coordinates white between the channels.

    The start is the SVD of L_Mᵀ·w·L_K, with S taken as the product of a covariance between the
    channels and one between a kernel's elements.
    """
    group, outputs, _ = problem.cross.shape
    inputs, elements = cut.shape[1], prod(cut.kernel)
    tensor = problem.covariance.reshape(group, inputs, elements, inputs, elements)
    roots = np.linalg.cholesky(np.einsum("gakbk->gab", tensor) / elements)
    taps = np.linalg.cholesky(np.einsum("gajak->gjk", tensor) / inputs)
    inverse = np.linalg.inv(roots)
    white = _whiten_channels(problem.covariance, inverse, elements)
    cross = inverse[:, None] @ problem.cross.reshape(group, outputs, inputs, elements)
    kernels = problem.weight.reshape(group, outputs, inputs, elements)
    vectors = _leading_rows(roots.swapaxes(1, 2)[:, None] @ kernels @ taps[:, None])
    size = np.maximum(problem.total, 1e-300)

    def solve(rank: int) -> Solution:
        start = vectors[:, :, :rank]
        spatial = np.empty((group, outputs, rank, elements))
        pointwise = np.empty((group, outputs, inputs, rank))
        reached = 0.0
        for g in range(group):

            def evaluate(free: Array, g: int = g) -> tuple[Array, Array, Array]:
                return pointwise_first(free, white[g], cross[g])

            free = descend(evaluate, start[g], size[g], iterations)
            value, _, spatial[g] = evaluate(free)
            pointwise[g] = (free @ inverse[g]).swapaxes(1, 2)
            reached += float(value.sum())
        return spatial, pointwise, reached

    return solve


def _bottleneck(problem: Problem, cut: Cut, iterations: int) -> Solver:
    """Reduced-rank regression (Izenman 1975), in closed form.

    With B = C·S⁻¹ and U the leading eigenvectors of B·Cᵀ the optimum is U·UᵀB.
    """
    del cut, iterations
    turned = problem.cross.swapaxes(1, 2)
    best = np.linalg.solve(problem.covariance, turned).swapaxes(1, 2)
    values, vectors = np.linalg.eigh(best @ turned)

    def solve(rank: int) -> Solution:
        kept = vectors[..., ::-1][..., :rank]
        spatial = kept.swapaxes(1, 2) @ best
        reached = -float(values[..., ::-1][..., :rank].sum())
        return spatial[:, None], kept[:, None], reached

    return solve


def _depthwise_bottleneck(problem: Problem, cut: Cut, iterations: int) -> Solver:
    """Both of the first two parts are free.

    The descent starts from the weights, turned by the roots but not whitened: on trained networks
    it then needs a third of the steps, and gets further, than in coordinates that are white
    between channels and between taps.
    """
    inputs = cut.shape[1]
    kernels = problem.weight.reshape(*problem.weight.shape[:2], inputs, -1)
    size = np.maximum(problem.total.sum(1), 1e-300)

    def evaluate(free: Array) -> tuple[Array, Array, Array]:
        return polyadic.both_free(free, problem.covariance, problem.cross, inputs)

    def solve(rank: int) -> Solution:
        steps = polyadic.affordable(iterations, rank, problem.covariance.shape[1])
        free = descend(evaluate, polyadic.start(kernels, rank), size, steps)
        value, _, pointwise = evaluate(free)
        spatial = polyadic.products(free, inputs)
        return spatial[:, None], pointwise[:, None], float(value.sum())

    return solve


SOLVERS: Mapping[Form, Callable[[Problem, Cut, int], Solver]] = {
    Form.DEPTHWISE_POINTWISE: _spatial_first,
    Form.POINTWISE_DEPTHWISE: _pointwise_first,
    Form.BLOCK_POINTWISE: _spatial_first,
    Form.BOTTLENECK: _bottleneck,
    Form.DEPTHWISE_BOTTLENECK: _depthwise_bottleneck,
}


def _by_block(matrices: Array, columns: int) -> Array:
    """[G, N, F] as contiguous [G, blocks, N, columns]."""
    group, outputs, features = matrices.shape
    blocks = matrices.reshape(group, outputs, features // columns, columns)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3))


def _block_roots(covariance: Array, columns: int) -> tuple[Array, Array]:
    """L and L⁻¹ [G, blocks, columns, columns] of the blocks on the diagonal."""
    group, features, _ = covariance.shape
    count = features // columns
    grid = covariance.reshape(group, count, columns, count, columns)
    blocks = np.einsum("gbibj->gbij", grid)
    roots = np.linalg.cholesky(blocks)
    return roots, np.linalg.inv(roots)


def _whiten(covariance: Array, inverse: Array) -> Array:
    """L⁻¹·S·L⁻ᵀ with L block-diagonal; the second half in place, for S is the largest array."""
    group, features, _ = covariance.shape
    _, count, columns, _ = inverse.shape
    white = (inverse @ covariance.reshape(group, count, columns, features)).reshape(
        group, features, count, columns
    )
    turned = inverse.swapaxes(2, 3)
    for start in range(0, features, _ROWS):
        part = white[:, start : start + _ROWS]
        part[:] = (part.transpose(0, 2, 1, 3) @ turned).transpose(0, 2, 1, 3)
    return white.reshape(group, features, features)


def _whiten_channels(covariance: Array, inverse: Array, elements: int) -> Array:
    """(L⁻¹ ⊗ 1)·S·(L⁻ᵀ ⊗ 1) as [G, M, K, M, K]."""
    group, inputs, _ = inverse.shape
    half = inverse @ covariance.reshape(group, inputs, -1)
    whole = inverse[:, None] @ half.reshape(group, -1, inputs, elements)
    return whole.reshape(group, inputs, elements, inputs, elements)


def _leading_rows(matrices: Array) -> Array:
    """Left singular vectors as rows [..., min(M, K), M], the strongest first."""
    turned = matrices.swapaxes(-1, -2)
    inputs, elements = matrices.shape[-2:]
    if inputs <= elements:
        return np.linalg.eigh(matrices @ turned)[1][..., ::-1].swapaxes(-1, -2)
    _, right = np.linalg.eigh(turned @ matrices)
    left = right[..., ::-1].swapaxes(-1, -2) @ turned
    return unit(left)
