"""Fits of factors to moments: one solver per form.

A solver is made once per layer, does the work that all ranks share, and is then called per rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any

import numpy as np

from sepcost.network import Shape
from sepcost.separable.factors import polyadic
from sepcost.separable.factors.blocks import Array, Cut, Form, unit
from sepcost.separable.factors.lbfgs import Evaluate, descend
from sepcost.separable.factors.projection import pointwise_first, spatial_first


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Minimise Σ w·S·wᵀ - 2·c·wᵀ over the rows w, with the ridge in S and C."""

    covariance: Array  # S [G, F, F]
    cross: Array  # C [G, N/G, F]
    weight: Array  # [G, N/G, F], the original, multiplied by the roots like C
    total: Array  # [G, N/G]: by how much the objective of w = 0 exceeds that of no error
    roots: Array  # [G, N/G, N/G]: roots of the metric of the outputs
    back: Array  # their inverses
    pull: Array  # [G]: strength of the ridge, which pulls to the original


#: Values of an objective, gradients and the factor solved for, given S and C of any type.
Objective = Callable[[Any, Any], Evaluate]
#: Spatial [G, matrices, rank, columns], pointwise [G, matrices, rows, rank], the objective.
Solution = tuple[Array, Array, float]
Solver = Callable[[int, int], Solution]  # of a rank, in at most so many iterations
COARSE = 1e-4  # share of the error below which single precision is too coarse for a descent
TINY = 1e-60  # sizes below which single precision may overflow
_ROWS = 512  # rows of a covariance whitened at a time


@dataclass(frozen=True, slots=True, eq=False)
class _Descent:
    """A descent whose large products are in single precision as long as that is precise enough."""

    objective: Objective
    covariance: Array
    cross: Array
    size: Array  # of each independent problem: the squares that an objective of 0 leaves
    begun: dict[Shape, tuple[Array, Array]] = field(default_factory=dict)  # there is one start each

    def __call__(self, start: Array, iterations: int) -> tuple[Array, Array, Array]:
        """The free factors, the values there and the factors solved for."""
        exact = self.objective(self.covariance, self.cross)
        if start.shape not in self.begun:
            first, _, solved = exact(start)
            self.begun[start.shape] = first, solved
        first, solved = self.begun[start.shape]
        if not iterations:
            return start, first, solved
        free = start if self._fine(first) else self._light(start, iterations)
        value, _, other = exact(free)
        if self._fine(value) or value.sum() > first.sum():
            free = descend(
                exact, free if value.sum() < first.sum() else start, self.size, iterations
            )
            value, _, other = exact(free)
        return free, value, other

    def _fine(self, value: Array) -> bool:
        """Whether the remaining errors are too small for single precision, as zeros are."""
        left = float(np.sum(self.size + value))
        return left < COARSE * float(self.size.sum()) or float(self.size.max()) < TINY

    def _light(self, start: Array, iterations: int) -> Array:
        """Descend in single precision, in units of the largest problem."""
        scale = self.size.max()
        covariance, cross = (
            np.asarray((one / scale).astype(np.float32)) for one in (self.covariance, self.cross)
        )
        size = np.maximum(self.size / scale, COARSE)
        return descend(self.objective(covariance, cross), start, size, iterations)


def _spatial_first(problem: Problem, cut: Cut) -> Solver:
    """Kernels D of each block; V = D·L is free, with L·Lᵀ the covariance of the block's inputs."""
    columns = cut.width * prod(cut.kernel)
    roots, inverse = _block_roots(problem.covariance, columns)
    white = _whiten(problem.covariance, inverse)
    cross = _by_block(problem.cross, columns) @ inverse.swapaxes(2, 3)
    kernels = _by_block(problem.weight, columns) @ roots
    _, vectors = np.linalg.eigh(kernels.swapaxes(2, 3) @ kernels)
    size = np.maximum(problem.total.sum(1), 1e-300)

    def objective(covariance: Array, cross: Array) -> Evaluate:
        return lambda free: spatial_first(free, covariance, cross)

    descent = _Descent(objective, white, cross, size)

    def solve(rank: int, iterations: int) -> Solution:
        start = vectors[..., ::-1][..., :rank].swapaxes(2, 3)
        free, value, pointwise = descent(start, iterations)
        return free @ inverse, pointwise, float(value.sum())

    return solve


def _pointwise_first(problem: Problem, cut: Cut) -> Solver:
    """Pointwise kernels of each output, free in coordinates that are white between channels.

    The start is the SVD of L_Mᵀ·w·L_K, which approximates S by the product of a covariance
    between channels and one between kernel elements.
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

    def objective(covariance: Array, cross: Array) -> Evaluate:
        return lambda free: pointwise_first(free, covariance, cross)

    descents = [_Descent(objective, *one) for one in zip(white, cross, size, strict=True)]

    def solve(rank: int, iterations: int) -> Solution:
        start = vectors[:, :, :rank]
        spatial = np.empty((group, outputs, rank, elements))
        pointwise = np.empty((group, outputs, inputs, rank))
        reached = 0.0
        for g in range(group):
            free, value, spatial[g] = descents[g](start[g], iterations)
            pointwise[g] = (free @ inverse[g]).swapaxes(1, 2)
            reached += float(value.sum())
        return spatial, pointwise, reached

    return solve


def _bottleneck(problem: Problem, cut: Cut) -> Solver:
    """Reduced-rank regression (Izenman 1975), in closed form.

    With B = C·S⁻¹ and the leading eigenvectors U of B·Cᵀ, the optimum is U·UᵀB.
    """
    del cut
    turned = problem.cross.swapaxes(1, 2)
    best = np.linalg.solve(problem.covariance, turned).swapaxes(1, 2)
    values, vectors = np.linalg.eigh(best @ turned)

    def solve(rank: int, _: int) -> Solution:
        kept = vectors[..., ::-1][..., :rank]
        spatial = kept.swapaxes(1, 2) @ best
        reached = -float(values[..., ::-1][..., :rank].sum())
        return spatial[:, None], kept[:, None], reached

    return solve


def _depthwise_bottleneck(problem: Problem, cut: Cut) -> Solver:
    """The first two parts are both free.

    The descent starts from the weights in the metric, but not whitened: on trained networks it
    then needs a third of the steps, and gets further, than in coordinates that are white between
    channels and between kernel elements.
    """
    inputs = cut.shape[1]
    kernels = problem.weight.reshape(*problem.weight.shape[:2], inputs, -1)
    size = np.maximum(problem.total.sum(1), 1e-300)

    def objective(covariance: Array, cross: Array) -> Evaluate:
        return lambda free: polyadic.both_free(free, covariance, cross, inputs)

    descent = _Descent(objective, problem.covariance, problem.cross, size)
    start = cache(polyadic.starts(kernels))

    def solve(rank: int, iterations: int) -> Solution:
        steps = polyadic.affordable(iterations, rank, problem.covariance.shape[1])
        free, value, pointwise = descent(start(rank), steps)
        spatial = polyadic.products(free, inputs)
        return spatial[:, None], pointwise[:, None], float(value.sum())

    return solve


SOLVERS: Mapping[Form, Callable[[Problem, Cut], Solver]] = {
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
    """L⁻¹·S·L⁻ᵀ with L block-diagonal; the second product in place, as S is the largest array."""
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
    """Left singular vectors as rows [..., min(M, K), M], strongest first."""
    turned = matrices.swapaxes(-1, -2)
    inputs, elements = matrices.shape[-2:]
    if inputs <= elements:
        return np.linalg.eigh(matrices @ turned)[1][..., ::-1].swapaxes(-1, -2)
    _, right = np.linalg.eigh(turned @ matrices)
    left = right[..., ::-1].swapaxes(-1, -2) @ turned
    return unit(left)
