"""Randomly initialised factors: only the architecture, to be trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sepcost.separable.factors.blocks import Array
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate


def random_factors(candidate: Candidate, factors: Factors, seed: int) -> Factors:
    """Random weights by He et al. 2015: variance 2 / fan-in of each part; the bias is zero."""
    random = np.random.default_rng((seed, *candidate.id.encode()))

    def fresh(like: Array) -> Array:
        spread = np.sqrt(2.0 / np.prod(like.shape[2:]))
        return np.asarray(random.standard_normal(like.shape) * spread)

    zero = np.zeros(candidate.convolution.out_channels) if candidate.has_bias else None
    spatial, pointwise = fresh(factors.spatial), fresh(factors.pointwise)
    first = None if factors.first is None else fresh(factors.first[None])[0]
    return replace(factors, spatial=spatial, pointwise=pointwise, bias=zero, first=first)
