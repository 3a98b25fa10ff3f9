"""The error of each rank, and the rank from which it is zero."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.separable.factors.blocks import Form
from sepcost.separable.factors.kernels import factorize
from sepcost.separable.factors.spectrum import error_curve, exact_rank

DW, PW, BLOCK, NARROW, BOTTLENECK = Form


def weight_of(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_a_width_that_does_not_divide_has_no_error():
    curve = error_curve(weight_of(8, 6, 3, 3), BLOCK)
    assert np.isinf(curve[[4, 5]]).all()
    assert np.isfinite(curve[[0, 1, 2, 3, 6]]).all()


def test_the_curve_falls_from_one_to_zero():
    for form in (DW, PW, BOTTLENECK):
        curve = error_curve(weight_of(16, 4, 3, 3), form)
        assert curve[0] == 1.0
        assert curve[-1] == 0.0
        assert (np.diff(curve) < 0).all()


def test_a_bottleneck_is_exact_at_the_rank_of_the_unfolded_matrix():
    weight = (weight_of(8, 3, seed=1) @ weight_of(3, 36, seed=2)).reshape(8, 4, 3, 3)
    assert exact_rank(weight, BOTTLENECK) == np.linalg.matrix_rank(weight.reshape(8, -1)) == 3


def test_an_exact_rank_below_full_is_found_within_groups():
    depthwise, pointwise = weight_of(2, 2, 3, 9, seed=1), weight_of(2, 2, 5, 3, seed=2)
    weight = np.einsum("rgnm,rgmk->gnmk", pointwise, depthwise).reshape(10, 3, 3, 3)
    assert exact_rank(weight, DW, group=2) == 2
    assert exact_rank(weight.reshape(10, 3, 9), DW, group=2) == 2


def test_only_the_requested_widths_are_computed():
    weight = weight_of(16, 8, 3, 3)
    whole, part = error_curve(weight, BLOCK), error_curve(weight, BLOCK, widths=(2, 4, 5))
    assert part[[2, 4]] == pytest.approx(whole[[2, 4]])
    assert np.isinf(part[[1, 3, 5, 8]]).all()


def test_factors_have_the_error_of_the_curve():
    weight = weight_of(6, 5, 3, 3)
    for rank in (1, 2, 3):
        told = factorize(weight, DW, rank).relative_error
        assert told == pytest.approx(error_curve(weight, DW)[rank])
