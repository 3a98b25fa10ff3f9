"""The depthwise-bottleneck: a kernel as a sum of products of three vectors.

With N outputs, M inputs and K kernel elements in each of G groups, and q channels in between,

    W'[n, m, k] = Σ_q P[n, q]·B[q, m]·D[q, k]

the canonical polyadic form (Hitchcock 1927; for convolutions Lebedev et al. 2015). Its error on
patches is that of ``projection`` with the rows of both B and D free: with F = B ⊙ D, the rows
[q, M·K], H = F·S·Fᵀ and P = C·Fᵀ·H⁻¹, the gradient in F is -2·(PᵀC - PᵀP·F·S), and those in B
and D are its products with the other.

No closed form is known for the best factors, and there may be no best ones (de Silva and Lim
2008). A descent from the singular vectors of the slices finds good ones. That start is a
depthwise-pointwise or pointwise-depthwise factorisation in which strong channels get more kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.factors.blocks import Array, tails, unit
from sepcost.separable.factors.lbfgs import descend
from sepcost.separable.factors.projection import solved

ITERATIONS = 40  # of a descent on the weights alone
FEW = 12  # of the largest of these
FULL = 3e8  # multiplications per step above which they get fewer
LIGHT = 1e8  # multiplications of a descent's step above which it is in single precision
TURNS = 3  # in which P, B and D are solved for, enough to rank options
PART = 3 << 17  # elements of products of rows at a time
FEWEST = 4  # iterations of the largest fits
WORK = 1e9  # multiplications per iteration above which a fit gets fewer iterations


def start(kernels: Array, rank: int) -> Array:
    """Start of a descent: the strongest components of the slices by output channel.

    Those by input channel are used if they leave less than half the error.

    Parameters
    ----------
    kernels
        [G, N, M, K].
    rank
        q.

    Returns
    -------
    ndarray
        [G, q, M + K]: B and D, concatenated.
    """
    return starts(kernels)(rank)


def starts(kernels: Array) -> Callable[[int], Array]:
    """``start`` for any rank of the same kernels."""
    known = [(one, _components(one), _components(one.swapaxes(0, 1))) for one in kernels]
    return lambda rank: np.stack([_start(*one, rank) for one in known])


def _start(kernel: Array, by_output: _Components, by_input: _Components, rank: int) -> Array:
    if _by_input(by_output.left, by_input.left)[rank]:
        places, taps = by_input.strongest(rank)
        return np.concatenate([np.eye(kernel.shape[1])[places], taps], axis=1)
    places, taps = by_output.strongest(rank)
    mixes = (kernel[places] @ taps[..., None])[..., 0]
    return np.concatenate([unit(mixes), taps], axis=1)


def squares(kernels: Array) -> Array:
    """Decrease of the squared error with each further row of ``start``: [G, most rows]."""
    return np.stack([_squares(kernel) for kernel in kernels])


def _squares(kernel: Array) -> Array:
    outer, inner = _components(kernel).left, _components(kernel.swapaxes(0, 1)).left
    most = min(len(outer), len(inner))
    return -np.diff(np.where(_by_input(outer, inner), inner[:most], outer[:most]))


def _by_input(by_output: Array, by_input: Array) -> NDArray[np.bool_]:
    """Whether to start from the slices by input channel, at each rank."""
    most = min(len(by_output), len(by_input))
    return 2 * by_input[:most] < by_output[:most]


@dataclass(frozen=True, slots=True, eq=False)
class _Components:
    """Singular vectors of slices [n, rows, K], computed on the smaller side."""

    slices: Array
    vectors: Array  # [n, s, s] of the smaller side, as columns
    order: NDArray[np.intp]  # the strongest of n·s first
    left: Array  # squared error left by the first 0, 1, ... of them

    def strongest(self, rank: int) -> tuple[NDArray[np.intp], Array]:
        """The slices of the first ``rank`` components, and their right vectors [rank, K]."""
        places, column = np.divmod(self.order[:rank], self.vectors.shape[2])
        vectors = self.vectors[places, :, column]
        if vectors.shape[1] < self.slices.shape[2]:
            vectors = unit((vectors[:, None] @ self.slices[places])[:, 0])
        return places, vectors


def _components(slices: Array) -> _Components:
    wide = slices.shape[1] < slices.shape[2]
    turned = slices.swapaxes(1, 2)
    values, vectors = np.linalg.eigh(slices @ turned if wide else turned @ slices)
    order = np.argsort(-values, axis=None, kind="stable")
    kept = np.maximum(values.ravel()[order], 0.0)
    return _Components(slices, vectors, order, tails(kept))


def products(free: Array, inputs: int) -> Array:
    """F = B ⊙ D [G, q, M·K] of free rows [G, q, M + K]."""
    group, rank, _ = free.shape
    mixes, taps = free[..., :inputs, None], free[..., None, inputs:]
    return np.asarray(mixes * taps).reshape(group, rank, -1)


def both_free(
    free: Array, covariance: Array, cross: Array, inputs: int
) -> tuple[Array, Array, Array]:
    """Values [G], gradients and the solved pointwise part for free rows.

    Parameters
    ----------
    free
        [G, q, M + K].
    covariance
        [G, M·K, M·K]; its type is that of the large products.
    cross
        [G, N, M·K], of the same type.
    inputs
        M.

    Returns
    -------
    value, gradient, pointwise
        [G], [G, q, M + K] and [G, N, q].
    """
    rows = products(free, inputs).astype(covariance.dtype, copy=False)
    seen = rows @ covariance
    value, points = solved(seen @ rows.swapaxes(1, 2), rows @ cross.swapaxes(1, 2))
    light = points.astype(covariance.dtype, copy=False)
    turned = light.swapaxes(1, 2)
    if light.shape[1] > light.shape[2]:  # the fewer products
        slope = 2 * (light @ (turned @ seen - cross))
    else:
        slope = 2 * (light @ turned @ seen - light @ cross)
    cube = slope.astype(np.float64, copy=False).reshape(*free.shape[:2], inputs, -1)
    return value, _gradient(cube, free, inputs), points.swapaxes(1, 2)


def both_free_on_white(free: Array, cross: Array, inputs: int) -> tuple[Array, Array, Array]:
    """``both_free`` with S = 1, which is cheaper: H is (B·Bᵀ) ∘ (D·Dᵀ).

    The large products are in the type of ``cross``.
    """
    lit = free.astype(cross.dtype, copy=False)
    value, points = _solved_on_white(free, cross, inputs)
    light = points.astype(cross.dtype, copy=False)
    mixes, taps = lit[..., :inputs], lit[..., inputs:]
    inner = light @ light.swapaxes(1, 2)
    mixed, tapped = mixes @ mixes.swapaxes(1, 2), taps @ taps.swapaxes(1, 2)
    own = np.concatenate([(inner * tapped) @ mixes, (inner * mixed) @ taps], axis=2)
    slopes = [
        _gradient(_cube(light[:, part], cross, inputs), lit[:, part], inputs)
        for part in _parts(free, cross)
    ]
    gradient = 2 * (own - np.concatenate(slopes, axis=1)).astype(np.float64, copy=False)
    return value, gradient, points.swapaxes(1, 2)


def _solved_on_white(free: Array, cross: Array, inputs: int) -> tuple[Array, Array]:
    """Values [G] and the solved pointwise part, transposed [G, q, N]."""
    mixes, taps = free[..., :inputs], free[..., inputs:]
    lit, turned = free.astype(cross.dtype, copy=False), cross.swapaxes(1, 2)
    answers = [products(lit[:, part], inputs) @ turned for part in _parts(free, cross)]
    system = (mixes @ mixes.swapaxes(1, 2)) * (taps @ taps.swapaxes(1, 2))
    return solved(system, np.concatenate(answers, axis=1))


def _parts(free: Array, cross: Array) -> list[slice]:
    """Rows at a time: their products are small enough that memory is used again."""
    step = max(1, PART // (len(free) * cross.shape[2]))
    return [slice(start, start + step) for start in range(0, free.shape[1], step)]


def _cube(points: Array, cross: Array, inputs: int) -> Array:
    """PᵀC as [G, q, M, K]."""
    return (points @ cross).reshape(*points.shape[:2], inputs, -1)


def _gradient(cube: Array, free: Array, inputs: int) -> Array:
    """The gradients in B and D from that in F [G, q, M, K]."""
    mixes, taps = free[..., :inputs], free[..., inputs:]
    by_mixes, by_taps = cube @ taps[..., None], mixes[..., None, :] @ cube
    return np.concatenate([by_mixes[..., 0], by_taps[..., 0, :]], axis=2)


def fit(
    matrices: Array, inputs: int, rank: int, iterations: int = ITERATIONS
) -> tuple[Array, Array, Array]:
    """Factors of kernels [G, N, M·K], without data.

    Returns
    -------
    F, P, left
        [G, q, M·K], [G, N, q], and the squared error [G].
    """
    kernels = matrices.reshape(*matrices.shape[:2], inputs, -1)
    whole = np.einsum("gnf,gnf->g", matrices, matrices)
    work, light = rank * matrices.size, _light(matrices, rank)
    iterations = min(iterations, max(FEW, int(iterations * FULL / work)))

    def evaluate(free: Array) -> tuple[Array, Array, Array]:
        return both_free_on_white(free, light, inputs)

    free = descend(evaluate, start(kernels, rank), np.maximum(whole, 1e-300), iterations)
    value, points = _solved_on_white(free, matrices, inputs)
    return products(free, inputs), points.swapaxes(1, 2), whole + value


def _light(matrices: Array, rank: int) -> NDArray[Any]:
    """In single precision if a step takes long."""
    return matrices.astype(np.float32) if rank * matrices.size > LIGHT else matrices


def left(matrices: Array, inputs: int, rank: int) -> Array:
    """Squared error [G] that ``fit`` comes below: P, B and D are solved for in turn a few times.

    The first turns gain as much as twice as many evaluations of a descent, which overtakes later.
    """
    whole = np.einsum("gnf,gnf->g", matrices, matrices)
    light = _light(matrices, rank)
    free = start(matrices.reshape(*matrices.shape[:2], inputs, -1), rank)
    value, points = _solved_on_white(free, light, inputs)
    least = value
    for _ in range(TURNS):
        free = _turned(free, points.astype(light.dtype, copy=False), light, inputs)
        value, points = _solved_on_white(free, light, inputs)
        least = np.minimum(least, value)
    return np.asarray(np.maximum(whole + least, 0.0))


def _turned(free: Array, points: Array, cross: Array, inputs: int) -> Array:
    """Free rows of unit norm: B solved for P and D, then D for P and B."""
    lit, parts = free.astype(cross.dtype, copy=False), _parts(free, cross)
    taps, inner = free[..., inputs:], points @ points.swapaxes(1, 2)
    cubes = [_cube(points[:, part], cross, inputs) for part in parts]
    by_mixes = [c @ lit[:, p, inputs:, None] for c, p in zip(cubes, parts, strict=True)]
    system = inner * (taps @ taps.swapaxes(1, 2))
    mixes = unit(solved(system, np.concatenate(by_mixes, axis=1)[..., 0])[1])
    thin = mixes.astype(cross.dtype, copy=False)
    by_taps = [thin[:, p, None] @ c for c, p in zip(cubes, parts, strict=True)]
    system = inner * (mixes @ mixes.swapaxes(1, 2))
    taps = unit(solved(system, np.concatenate(by_taps, axis=1)[:, :, 0])[1])
    return np.concatenate([mixes, taps], axis=2)


def affordable(iterations: int, rank: int, features: int) -> int:
    """Iterations of a fit to [F, F]: large fits get fewer, as the first ones gain the most."""
    return min(iterations, max(FEWEST, int(iterations * WORK / (rank * features**2))))
