"""Factors of a weight without data, against numpy's SVD of every slice and of the unfolding."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepcost.errors import ConversionError
from sepcost.separable.factors.blocks import ranks
from sepcost.separable.factors.kernels import Form, factorize, reconstruct
from sepcost.separable.factors.spectrum import error_curve, exact_rank

DW, PW, BLOCK, NARROW, BOTTLENECK = Form
SEPARABLE = [DW, PW]


def weight_of(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def distance(weight, factors):
    return np.linalg.norm(weight - reconstruct(factors)) / np.linalg.norm(weight)


def slices(weight, form, group):
    """Every matrix that the form factorises."""
    elements, inputs = prod(weight.shape[2:]), weight.shape[1]
    for part in np.split(weight.reshape(weight.shape[0], inputs, elements), group):
        if form is DW:
            yield from (part[:, m] for m in range(inputs))
        elif form is PW:
            yield from part
        else:
            yield part.reshape(len(part), -1)


@st.composite
def convolutions(draw):
    group = draw(st.integers(1, 3))
    kernel = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    outputs, inputs = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 99))
    return weight_of(group * outputs, inputs, *kernel, seed=seed), group


@given(convolutions(), st.sampled_from(list(Form)))
@settings(max_examples=60, deadline=None)
def test_the_error_of_every_rank_is_that_of_the_weight_put_together_again(case, form):
    weight, group = case
    curve = error_curve(weight, form, group=group)
    for rank in ranks(weight.shape, form, group=group):
        factors = factorize(weight, form, rank, group=group)
        assert factors.relative_error == pytest.approx(distance(weight, factors), abs=1e-12)
        if form is NARROW:  # for which only a bound is known
            assert factors.relative_error**2 <= curve[rank] ** 2 + 1e-12
        else:
            assert factors.relative_error**2 == pytest.approx(curve[rank] ** 2, abs=1e-12)


@given(convolutions(), st.sampled_from([DW, PW, BOTTLENECK]))
@settings(max_examples=60, deadline=None)
def test_a_rank_is_as_good_as_the_svd_of_each_slice(case, form):
    weight, group = case
    values = [np.linalg.svd(part, compute_uv=False) for part in slices(weight, form, group)]
    curve = error_curve(weight, form, group=group)
    for rank in ranks(weight.shape, form, group=group):
        dropped = sum(np.sum(value[rank:] ** 2) for value in values)
        assert curve[rank] ** 2 == pytest.approx(dropped / np.sum(weight**2), abs=1e-10)


@given(convolutions(), st.sampled_from([DW, PW, NARROW, BOTTLENECK]))
@settings(max_examples=40, deadline=None)
def test_full_rank_loses_nothing(case, form):
    weight, group = case
    full = ranks(weight.shape, form, group=group)[-1]
    left = distance(weight, factorize(weight, form, full, group=group))
    assert left < (1e-7 if form is NARROW else 1e-12)


@pytest.mark.parametrize("exponent", [0, 3, 6, 9])
def test_full_rank_is_exact_however_unlike_the_singular_values(exponent):
    stretch = np.logspace(0, -exponent, 9)
    for outputs in (5, 20):
        weight = (weight_of(outputs * 3, 9).reshape(outputs, 3, 9) * stretch).reshape(-1, 3, 3, 3)
        full = min(outputs, 9)
        assert distance(weight, factorize(weight, DW, full)) < 1e-12


def test_a_separable_kernel_comes_back_at_rank_one():
    depthwise, pointwise = weight_of(4, 3, 3, seed=1), weight_of(6, 4, seed=2)
    weight = np.einsum("nm,mij->nmij", pointwise, depthwise)
    assert exact_rank(weight, DW) == 1
    factors = factorize(weight.astype(np.float32), DW, 1)
    assert factors.full_rank == 1
    assert distance(weight, factors) < 1e-6
    assert exact_rank(weight, PW) == 4


def test_kernels_have_unit_norm_and_the_pointwise_part_the_scale():
    for form in Form:
        factors = factorize(1e3 * weight_of(8, 4, 3, 3), form, 2)
        kernels = factors.spatial.reshape(-1, factors.spatial[0, 0].size)
        assert np.linalg.norm(kernels, axis=1) == pytest.approx(1.0)


def test_shapes_are_those_of_convolutions_ready_to_emit():
    weight = weight_of(6, 4, 3, 5)
    shapes = {
        form: (made.spatial.shape, made.pointwise.shape)
        for form in Form
        for made in [factorize(weight, form, 2, group=2)]
    }
    assert shapes == {
        DW: ((2, 8, 1, 3, 5), (2, 6, 4, 1, 1)),
        PW: ((2, 6, 1, 3, 5), (2, 6, 4, 1, 1)),
        BLOCK: ((1, 8, 2, 3, 5), (1, 6, 4, 1, 1)),
        NARROW: ((1, 4, 1, 3, 5), (1, 6, 2, 1, 1)),
        BOTTLENECK: ((1, 4, 4, 3, 5), (1, 6, 2, 1, 1)),
    }
    first = factorize(weight, NARROW, 2, group=2).first
    assert first is not None
    assert first.shape == (4, 4, 1, 1)


def test_pointwise_first_is_depthwise_first_of_the_transposed_kernel():
    weight = weight_of(5, 4, 3, 3)
    turned = np.swapaxes(weight, 0, 1)
    assert error_curve(weight, PW) == pytest.approx(error_curve(turned, DW))
    there, back = factorize(weight, PW, 2), factorize(turned, DW, 2)
    np.testing.assert_allclose(reconstruct(there), np.swapaxes(reconstruct(back), 0, 1), atol=1e-12)


def test_one_block_of_the_whole_group_is_exact_unless_outputs_outnumber_inputs():
    assert distance(weight_of(4, 4, 3, 3), factorize(weight_of(4, 4, 3, 3), BLOCK, 4)) < 1e-12
    assert exact_rank(weight_of(4, 4, 3), BLOCK) == 4
    wide = weight_of(6, 4, 3)
    assert exact_rank(wide, BLOCK) == 0
    assert factorize(wide, BLOCK, 4).full_rank == 0


def test_a_block_of_one_channel_is_a_depthwise_kernel():
    weight = weight_of(6, 4, 3, 3)
    block, depthwise = factorize(weight, BLOCK, 1), factorize(weight, DW, 1)
    np.testing.assert_allclose(reconstruct(block), reconstruct(depthwise), atol=1e-14)


class TestScale:
    """A following scale weights the outputs: the error is minimal in that metric."""

    scale = np.array([9.0, 1.0, 0.1, 3.0, 1.0, 1.0])

    @pytest.mark.parametrize("form", list(Form))
    def test_the_error_is_that_of_the_scaled_kernel(self, form):
        weight = weight_of(6, 4, 3, 3)
        scaled = weight * self.scale[:, None, None, None]
        factors = factorize(weight, form, 2, scale=self.scale)
        there = np.linalg.norm(scaled - reconstruct(factors) * self.scale[:, None, None, None])
        assert there / np.linalg.norm(scaled) == pytest.approx(factors.relative_error)
        assert factors.relative_error == pytest.approx(factorize(scaled, form, 2).relative_error)
        told = error_curve(weight, form, scale=self.scale)[2]
        assert factors.relative_error <= told + 1e-12
        if form is not NARROW:
            assert factors.relative_error == pytest.approx(told)

    def test_signs_and_size_do_not_matter(self):
        weight = weight_of(6, 4, 3, 3)
        one, other = (factorize(weight, DW, 1, scale=s * self.scale) for s in (1.0, -7.0))
        np.testing.assert_allclose(one.pointwise, other.pointwise, atol=1e-12)

    @pytest.mark.parametrize("scale", [np.zeros(6), np.array([0.0, 1, 1, 1, 1, 0])])
    def test_outputs_with_zero_scale_stay_finite_and_exact_at_full_rank(self, scale):
        weight = weight_of(6, 4, 3, 3)
        factors = factorize(weight, DW, 6, scale=scale)
        assert factors.full_rank == 6
        assert distance(weight, factors) < 1e-10


class TestNothingToDo:
    """Zeros are zeros in every form."""

    @pytest.mark.parametrize("form", list(Form))
    def test_an_all_zero_kernel_has_zero_factors_and_no_error(self, form):
        zeros = np.zeros((4, 4, 3, 3), np.float32)
        factors = factorize(zeros, form, 2)
        assert not factors.spatial.any()
        assert not factors.pointwise.any()
        assert factors.relative_error == 0.0
        assert exact_rank(zeros, form) == 1
        assert error_curve(zeros, form)[1] == error_curve(zeros, form)[0] == 0.0

    def test_a_dead_channel_stays_dead(self):
        weight = weight_of(6, 4, 3, 3)
        weight[:, 1] = 0
        factors = factorize(weight, DW, 3)
        assert not factors.spatial[:, 1].any()
        assert not factors.pointwise[:, :, 1].any()
        assert np.isfinite(factors.pointwise).all()


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_squares_neither_overflow_nor_vanish(size):
    weight = weight_of(6, 4, 3, 3)
    factors = factorize(size * weight, DW, 2)
    assert factors.relative_error == pytest.approx(factorize(weight, DW, 2).relative_error)
    assert np.isfinite(factors.pointwise).all()


def test_a_large_weight_is_taken_in_pieces_with_the_same_result(monkeypatch):
    weight = weight_of(12, 4, 3, 3)
    for form in Form:
        whole = factorize(weight, form, 2, group=2)
        with monkeypatch.context() as patch:
            patch.setattr("sepcost.separable.factors.blocks._CHUNK", 80)
            pieces = factorize(weight, form, 2, group=2)
        close = 0.05 if form is NARROW else 1e-12  # a descent ends when no group improves
        np.testing.assert_allclose(reconstruct(pieces), reconstruct(whole), atol=close)
        assert pieces.relative_error == pytest.approx(whole.relative_error, rel=1e-3)
        assert pieces.full_rank == whole.full_rank


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_float_type_is_computed_in_double(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    weight = weight_of(6, 4, 3, 3).astype(getattr(ml_dtypes, dtype, dtype))
    factors = factorize(weight, DW, 6)
    assert factors.pointwise.dtype == factors.spatial.dtype == np.float64
    assert distance(weight.astype(np.float64), factors) < 1e-12


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_numbers_are_refused(dtype, bad):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    weight = weight_of(6, 4, 3, 3)
    weight[2, 1, 0, 1] = bad
    weight = weight.astype(getattr(ml_dtypes, dtype, dtype))
    for call in (lambda: factorize(weight, DW, 1), lambda: exact_rank(weight, DW)):
        with pytest.raises(ConversionError, match="NaN or infinity"):
            call()


@pytest.mark.parametrize("form", list(Form))
def test_forms_are_known_by_their_names_too(form):
    factors = factorize(weight_of(6, 4, 3, 3), str(form), 2)
    assert factors.form is form
    np.testing.assert_array_equal(
        reconstruct(factors), reconstruct(factorize(weight_of(6, 4, 3, 3), form, 2))
    )


def test_an_unknown_form_is_refused_with_the_known_ones():
    with pytest.raises(ConversionError, match="depthwise-bottleneck"):
        factorize(weight_of(6, 4, 3, 3), "pointwise", 2)


@pytest.mark.parametrize(("form", "rank"), [(DW, 0), (DW, 7), (PW, 5), (BLOCK, 3), (BOTTLENECK, 7)])
def test_an_impossible_rank_is_refused_with_the_possible_ones(form, rank):
    with pytest.raises(ConversionError, match="needs rank"):
        factorize(weight_of(6, 4, 3, 3), form, rank)
