"""Two objectives of fits to data, by variable projection (Golub and Pereyra 1973).

With S = Cov(x) of the patches and C = Cov(t, x) of the targets, the error of W' is, up to a
constant,

    tr(W'·S·W'ᵀ) - 2·tr(C·W'ᵀ)

Given the factors of one kind, the best of the other kind solve a linear system, so only one kind
is free; the gradient is that of the error with the solved factors held fixed (envelope theorem).

Spatial first (W' = P·D, D block-diagonal, free): H = D·S·Dᵀ, P = C·Dᵀ·H⁻¹ and
dD = -2·(PᵀC - PᵀP·D·S), blocks only.

Pointwise first (per output n: w' = Σ_r p_r ⊗ d_r, p free): H_n = (p ⊗ 1)ᵀ·S·(p ⊗ 1),
d = H_n⁻¹·(p ⊗ 1)ᵀ·c and dp = -2·(c - S·w')·d.

The large products are in the type of S and C, the systems are solved in double precision.
"""

from __future__ import annotations

import numpy as np

from sepcost.separable.factors.blocks import Array

#: Relative increase of each system's diagonal, so that parallel kernels do not make it singular.
JITTER = 1e-10

_CHUNK = 1 << 21  # elements of S times pointwise kernels at a time: 16 MiB


def solved(system: Array, columns: Array) -> tuple[Array, Array]:
    """Values [n] and solutions [n, size, columns], in double precision whatever the types."""
    system, columns = system.astype(np.float64, copy=False), columns.astype(np.float64, copy=False)
    diagonal = np.einsum("nii->ni", system)
    diagonal += JITTER * diagonal + 1e-300
    solutions = np.linalg.solve(system, columns).astype(np.float64, copy=False)
    return np.asarray(-np.einsum("nij,nij->n", solutions, columns), np.float64), solutions


def spatial_first(free: Array, covariance: Array, cross: Array) -> tuple[Array, Array, Array]:
    """Values [G], gradients and the solved pointwise part for free spatial kernels.

    Parameters
    ----------
    free
        [G, B, R, F]: R kernels for each of B blocks of F features.
    covariance
        [G, B·F, B·F].
    cross
        [G, B, N, F]: Cov(t, x) by block, contiguous.

    Returns
    -------
    value, gradient, pointwise
        [G], [G, B, R, F] and [G, B, N, R].
    """
    group, blocks, rank, features = free.shape
    size, outputs = blocks * rank, cross.shape[2]
    free = free.astype(covariance.dtype, copy=False)
    turned = free.swapaxes(2, 3)
    seen = free @ covariance.reshape(group, blocks, features, -1)  # D·S
    seen = seen.reshape(group, size, blocks, features).transpose(0, 2, 1, 3)
    system = (seen @ turned).transpose(0, 2, 1, 3).reshape(group, size, size)
    answer = (cross @ turned).transpose(0, 2, 1, 3).reshape(group, outputs, size)
    value, points = solved(system, answer.swapaxes(1, 2))
    light = points.astype(covariance.dtype, copy=False)
    inner = light @ light.swapaxes(1, 2)
    by_block = light.reshape(group, blocks, rank, outputs)
    gradient = inner.reshape(group, blocks, rank, size) @ seen - by_block @ cross
    pointwise = points.reshape(group, blocks, rank, outputs).swapaxes(2, 3)
    return value, 2 * gradient.astype(np.float64, copy=False), pointwise


def pointwise_first(free: Array, covariance: Array, cross: Array) -> tuple[Array, Array, Array]:
    """Values, gradients and the solved spatial kernels for free pointwise parts of one group.

    Parameters
    ----------
    free
        [N, R, M]: R pointwise kernels per output channel.
    covariance
        [M, K, M, K].
    cross
        [N, M, K].

    Returns
    -------
    value, gradient, spatial
        [N], [N, R, M] and [N, R, K].
    """
    outputs, rank, _ = free.shape
    elements = cross.shape[2]
    value, gradient = np.empty(outputs), np.empty_like(free)
    spatial = np.empty((outputs, rank, elements))
    step = max(1, _CHUNK // (rank * elements * cross[0].size))
    for start in range(0, outputs, step):
        part = slice(start, start + step)
        results = _pointwise_first(free[part], covariance, cross[part])
        value[part], gradient[part], spatial[part] = results
    return value, gradient, spatial


def _pointwise_first(free: Array, covariance: Array, cross: Array) -> tuple[Array, Array, Array]:
    outputs, rank, inputs = free.shape
    elements = cross.shape[2]
    free = free.astype(covariance.dtype, copy=False)
    size = rank * elements
    seen = free.reshape(-1, inputs) @ covariance.reshape(inputs, -1)
    seen = seen.reshape(outputs, size, inputs, elements)  # pᵀ·S
    system = free[:, None] @ seen  # [N, (r, k), r', k']
    system = system.reshape(outputs, size, size)
    answer = (free @ cross).reshape(outputs, size, 1)
    value, taps = solved(system, answer)
    light = taps.astype(covariance.dtype, copy=False)
    pulled = light.swapaxes(1, 2) @ seen.reshape(outputs, size, -1)  # w'·S [N, 1, M·K]
    spatial = taps.reshape(outputs, rank, elements)
    rest = pulled.reshape(outputs, inputs, elements) - cross
    gradient = 2 * light.reshape(spatial.shape) @ rest.swapaxes(1, 2)
    return value, gradient, spatial
