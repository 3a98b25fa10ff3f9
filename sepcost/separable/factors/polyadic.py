"""The depthwise-bottleneck: a kernel as a sum of products of three vectors.

With N outputs, M inputs and K elements of a kernel in each of G groups, over q channels between,

    W'[n, m, k] = Σ_q P[n, q]·B[q, m]·D[q, k]

the canonical polyadic form (Hitchcock 1927; for convolutions Lebedev et al. 2015). Its error on
patches is that of ``projection``, with the rows of both B and D free: with F = B ⊙ D the rows
[q, M·K], H = F·S·Fᵀ and P = C·Fᵀ·H⁻¹, the gradient in F is -2·(PᵀC - PᵀP·F·S), and those in B
and D are its products with the other.

No closed form is known of the best, and one need not exist (de Silva and Lim 2008). A descent
from the singular vectors of the slices finds good ones: they are a depthwise-pointwise or a
pointwise-depthwise factorisation that gives each channel as many kernels as it is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.factors.blocks import Array, tails, unit
from sepcost.separable.factors.lbfgs import descend
from sepcost.separable.factors.projection import solved

ITERATIONS = 40  # of a descent on the weights alone
FEWEST = 4  # iterations of a descent, however large
WORK = 1e9  # multiplications that an iteration may take before there have to be fewer


def start(kernels: Array, rank: int) -> Array:
    """Rows to descend from: the strongest components of the slices of all output channels.

    They are those of the input channels where these leave less than half as much.

    Parameters
    ----------
    kernels
        [G, N, M, K].
    rank
        q.

    Returns
    -------
    ndarray
        [G, q, M + K]: B beside D.
    """
    return np.stack([_start(kernel, rank) for kernel in kernels])


def _start(kernel: Array, rank: int) -> Array:
    by_output, by_input = _components(kernel), _components(kernel.swapaxes(0, 1))
    if _by_input(by_output.left, by_input.left)[rank]:
        places, taps = by_input.strongest(rank)
        return np.concatenate([np.eye(kernel.shape[1])[places], taps], axis=1)
    places, taps = by_output.strongest(rank)
    mixes = (kernel[places] @ taps[..., None])[..., 0]
    return np.concatenate([unit(mixes), taps], axis=1)


def squares(kernels: Array) -> Array:
    """What each further row of ``start`` takes off the squared error: [G, most rows]."""
    return np.stack([_squares(kernel) for kernel in kernels])


def _squares(kernel: Array) -> Array:
    outer, inner = _components(kernel).left, _components(kernel.swapaxes(0, 1)).left
    most = min(len(outer), len(inner))
    return -np.diff(np.where(_by_input(outer, inner), inner[:most], outer[:most]))


def _by_input(by_output: Array, by_input: Array) -> NDArray[np.bool_]:
    """Whether to start from the slices of the input channels, at each rank."""
    most = min(len(by_output), len(by_input))
    return 2 * by_input[:most] < by_output[:most]


@dataclass(frozen=True, slots=True, eq=False)
class _Components:
    """Singular vectors of slices [n, rows, K], found on the smaller side."""

    slices: Array
    vectors: Array  # [n, s, s] of the smaller side, as columns
    order: NDArray[np.intp]  # the strongest of n·s first
    left: Array  # what the first 0, 1, ... of them leave of the squares

    def strongest(self, rank: int) -> tuple[NDArray[np.intp], Array]:
        """Which slices the first are of, and their right vectors [rank, K]."""
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
        [G, M·K, M·K].
    cross
        [G, N, M·K].
    inputs
        M.

    Returns
    -------
    value, gradient, pointwise
        [G], [G, q, M + K] and [G, N, q].
    """
    rows = products(free, inputs)
    seen = rows @ covariance
    value, points = solved(seen @ rows.swapaxes(1, 2), rows @ cross.swapaxes(1, 2))
    slope = 2 * (points @ points.swapaxes(1, 2) @ seen - points @ cross)
    cube = slope.reshape(*free.shape[:2], inputs, -1)
    return value, _gradient(cube, free, inputs), points.swapaxes(1, 2)


def both_free_on_white(free: Array, cross: Array, inputs: int) -> tuple[Array, Array, Array]:
    """As ``both_free``, with the identity for S: then H is (B·Bᵀ) ∘ (D·Dᵀ), and all is cheaper."""
    mixes, taps = free[..., :inputs], free[..., inputs:]
    mixed, tapped = mixes @ mixes.swapaxes(1, 2), taps @ taps.swapaxes(1, 2)
    answer = products(free, inputs) @ cross.swapaxes(1, 2)
    value, points = solved(mixed * tapped, answer)
    inner = points @ points.swapaxes(1, 2)
    own = [(inner * tapped) @ mixes, (inner * mixed) @ taps]
    cube = (points @ cross).reshape(*free.shape[:2], inputs, -1)
    gradient = 2 * (np.concatenate(own, axis=2) - _gradient(cube, free, inputs))
    return value, gradient, points.swapaxes(1, 2)


def _gradient(cube: Array, free: Array, inputs: int) -> Array:
    """From that in F [G, q, M, K] to those in B and D."""
    mixes, taps = free[..., :inputs], free[..., inputs:]
    by_mixes, by_taps = cube @ taps[..., None], mixes[..., None, :] @ cube
    return np.concatenate([by_mixes[..., 0], by_taps[..., 0, :]], axis=2)


def fit(
    matrices: Array, inputs: int, rank: int, iterations: int = ITERATIONS
) -> tuple[Array, Array, Array]:
    """Factors of kernels [G, N, M·K], nothing known of their inputs.

    Returns
    -------
    F, P, left
        [G, q, M·K], [G, N, q], and the squared error [G].
    """
    kernels = matrices.reshape(*matrices.shape[:2], inputs, -1)
    whole = np.einsum("gnf,gnf->g", matrices, matrices)

    def evaluate(free: Array) -> tuple[Array, Array, Array]:
        return both_free_on_white(free, matrices, inputs)

    free = descend(evaluate, start(kernels, rank), np.maximum(whole, 1e-300), iterations)
    value, _, pointwise = evaluate(free)
    return products(free, inputs), pointwise, whole + value


def affordable(iterations: int, rank: int, features: int) -> int:
    """Iterations for a fit to [F, F]: large ones take fewer, which gain most of what there is."""
    return min(iterations, max(FEWEST, int(iterations * WORK / (rank * features**2))))
