"""Fits of any layer; dense layers with many inputs in as many coordinates as they have outputs.

The covariance of 25,088 inputs would take 5 GB. But W·x depends on x only through y = W·x, so
moments of y are gathered instead. With W·Wᵀ = L·Lᵀ, z = L⁻¹·y are coordinates in which inputs are
as far apart as they were, as far as W sees them, and W·x = L·z. So the fit of L to the moments of z
is that of W, with the same ridge. Of the errors of earlier layers, it sees what reaches y.

A sample shows a dense layer few positions, often one. The fewer there are for its inputs, the more
a fit to them must be held to the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.cost.results import Convolution
from sepcost.separable.data.moments import Moments
from sepcost.separable.factors.blocks import Array, Form
from sepcost.separable.factors.fit import FitOptions, fit_menu
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate, weight
from sepcost.separable.find.dense import channels_second

WIDE = 4096  # inputs of a dense layer; the covariance of more is not gathered
MOST = 0.999  # of the shrinkage
JITTER = 1e-10  # share of the mean square of a row of W, so that dependent rows have a root

Pair = tuple[NDArray[Any], NDArray[Any]]


def gathered_as(candidate: Candidate) -> Convolution:
    """The geometry of the layer whose moments are gathered."""
    geometry = candidate.convolution
    return replace(geometry, in_channels=geometry.out_channels) if _is_wide(candidate) else geometry


def reader(candidate: Candidate) -> Callable[[Pair], Pair]:
    """Turn a layer's input and output into what is gathered, with the channels second."""
    matrix = weight(candidate).astype(np.float32) if _is_wide(candidate) else None

    def read(pair: Pair) -> Pair:
        seen, answer = (channels_second(*one) for one in zip(pair, candidate.axes, strict=True))
        if matrix is not None:
            seen = (matrix @ seen.reshape(*seen.shape[:2], -1)).reshape(answer.shape)
        return seen, answer

    return read


def fit_layer(
    candidate: Candidate,
    moments: Moments,
    menu: Sequence[tuple[Form, int]],
    options: FitOptions,
    chosen: Callable[[Sequence[float]], Collection[int]] | None = None,
) -> tuple[Factors, ...]:
    """``fit_menu`` for a candidate, with the moments that were gathered for it."""
    kernel = weight(candidate)
    if candidate.dense is None:
        return fit_menu(kernel, moments, menu, options, chosen)
    if not _is_wide(candidate):
        return fit_menu(kernel, moments, menu, _held(options, moments), chosen)
    root = _root(kernel)
    back = np.asarray(np.linalg.inv(root), np.float64)
    moments = _turned(moments, back)
    made = fit_menu(root, moments, menu, _held(options, moments), chosen)
    rows = back @ kernel
    return tuple(replace(one, spatial=one.spatial @ rows) for one in made)


def _is_wide(candidate: Candidate) -> bool:
    shape = candidate.convolution
    return candidate.dense is not None and shape.in_channels > max(WIDE, shape.out_channels)


def shrinkage(covariance: Array, samples: int) -> float:
    """The share of its mean variance that a covariance of few samples should become.

    The oracle approximating shrinkage of Chen et al. 2010, for covariances [G, F, F].
    """
    size = covariance.shape[1]
    squares = float(np.vdot(covariance, covariance))
    trace = float(np.sum(np.einsum("gii->g", covariance) ** 2))
    away = (samples + 1 - 2 / size) * (squares - trace / size)
    return min(1.0, ((1 - 2 / size) * squares + trace) / away) if away > 0 else 1.0


def _held(options: FitOptions, moments: Moments) -> FitOptions:
    """A ridge as strong as the shrinkage: ρ·m·1 beside (1 - ρ)·S, with m the mean variance."""
    share = min(shrinkage(moments.covariance, moments.samples), MOST)
    return replace(options, ridge=max(options.ridge, share / (1 - share)))


def _root(kernel: Array) -> Array:
    """L of W·Wᵀ = L·Lᵀ."""
    squares = kernel @ kernel.T
    squares += (JITTER * float(np.trace(squares)) / len(squares) + 1e-300) * np.eye(len(squares))
    return np.asarray(np.linalg.cholesky(squares), np.float64)


def _turned(moments: Moments, back: Array) -> Moments:
    """Moments of z = L⁻¹·y from those of y."""
    return replace(
        moments,
        patch_mean=moments.patch_mean @ back.T,
        covariance=back @ moments.covariance @ back.T,
        cross=moments.cross @ back.T,
    )
