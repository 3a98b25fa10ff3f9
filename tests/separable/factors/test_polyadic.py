"""Kernels as sums of products of three vectors: starts and results of descents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepcost.separable.factors import polyadic
from sepcost.separable.factors.blocks import Form, ranks
from sepcost.separable.factors.kernels import factorize, reconstruct
from sepcost.separable.factors.spectrum import EXACT, error_curve, exact_rank

NARROW = Form.DEPTHWISE_BOTTLENECK


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def of_products(outputs, inputs, channels, *kernel, seed=0):
    """A kernel that is a sum of the given number of products."""
    draw = np.random.default_rng(seed).standard_normal
    parts = draw((outputs, channels)), draw((channels, inputs)), draw((channels, *kernel))
    return np.einsum("nq,qm,q...->nm...", *parts)


@given(st.integers(1, 2), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.data())
@settings(max_examples=40, deadline=None)
def test_the_start_has_the_reported_error(group, outputs, inputs, elements, data):
    kernels = random(group, outputs, inputs, elements)
    most = outputs * min(inputs, elements), inputs * min(outputs, elements)
    rank = data.draw(st.integers(1, min(most)))
    rows = polyadic.products(polyadic.start(kernels, rank), inputs)
    matrices = kernels.reshape(group, outputs, -1)
    points = matrices @ np.linalg.pinv(rows)
    left = np.sum((matrices - points @ rows) ** 2)
    told = np.sum(matrices**2) - polyadic.squares(kernels)[:, :rank].sum()
    assert left <= told + 1e-9


def test_a_sum_of_few_products_is_found_again():
    weight = of_products(12, 10, 4, 3, 3)
    assert factorize(weight, NARROW, 4).relative_error < 0.02
    assert factorize(weight, NARROW, 3).relative_error > 0.1
    assert error_curve(weight, Form.DEPTHWISE_POINTWISE)[1] > 0.3


@pytest.mark.parametrize("form", [Form.DEPTHWISE_POINTWISE, Form.POINTWISE_DEPTHWISE])
def test_with_as_many_channels_it_keeps_more_than_the_forms_it_contains(form):
    """It can place its depthwise kernels where they help most, and mixes on both sides."""
    weight = random(16, 16, 3, 3)
    for rank in (1, 2, 3):
        narrow = factorize(weight, NARROW, 16 * rank)
        assert narrow.relative_error < error_curve(weight, form)[rank]


def test_the_exact_rank_is_that_of_the_form_that_is_exact_sooner():
    mixes, taps = random(8, 6), random(6, 3, 3, seed=1)
    by_input = np.einsum("nm,mij->nmij", mixes, taps)
    assert exact_rank(by_input, NARROW) == 6
    assert exact_rank(by_input.swapaxes(0, 1), NARROW) == 6
    assert factorize(by_input, NARROW, 6).relative_error < 1e-7


def test_parts_are_ready_to_emit():
    weight = of_products(6, 4, 3, 3, 3)
    factors = factorize(weight, NARROW, 3)
    assert factors.first is not None
    assert (factors.first.shape, factors.spatial.shape) == ((3, 4, 1, 1), (1, 3, 1, 3, 3))
    for part in (factors.first, factors.spatial[0]):
        assert np.linalg.norm(part.reshape(3, -1), axis=1) == pytest.approx(1.0)
    left = np.linalg.norm(weight - reconstruct(factors)) / np.linalg.norm(weight)
    assert factors.relative_error == pytest.approx(left, abs=1e-12)


def test_useless_channels_are_zero_and_harmless():
    weight = random(4, 4, 3, 3)
    weight[:, 1:] = 0
    factors = factorize(weight, NARROW, ranks(weight.shape, NARROW)[-1])
    assert factors.relative_error < 1e-7
    assert np.isfinite(factors.pointwise).all()


def test_the_curve_is_a_bound_that_a_few_steps_lower():
    weight = random(16, 12, 3, 3)
    bound, stepped = error_curve(weight, NARROW), error_curve(weight, NARROW, widths=[8, 12])
    done = [factorize(weight, NARROW, rank).relative_error for rank in (8, 12)]
    for rank, reached in zip((8, 12), done, strict=True):
        assert reached <= stepped[rank] < bound[rank]
    assert stepped[9] == bound[9]
    assert (np.diff(bound) < 1e-12).all()


def test_turns_gain_as_much_in_single_precision(monkeypatch):
    kernels = random(2, 16, 12 * 9)
    kernels[1] = 0
    exact = polyadic.left(kernels, 12, 20)
    monkeypatch.setattr(polyadic, "LIGHT", 0)
    assert polyadic.left(kernels, 12, 20) == pytest.approx(exact, rel=1e-4)
    assert exact[1] == 0


def test_rows_in_parts_are_rows_at_once(monkeypatch):
    free, cross = random(2, 6, 7), random(2, 5, 12, seed=1)
    whole = polyadic.both_free_on_white(free, cross, 4)
    left = polyadic.left(cross, 4, 6)
    monkeypatch.setattr(polyadic, "PART", 4 * 12 * 2)
    for one, other in zip(polyadic.both_free_on_white(free, cross, 4), whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    assert polyadic.left(cross, 4, 6) == pytest.approx(left)


class TestGradients:
    """Closed forms against differences of the values."""

    step = 1e-6
    cross = random(2, 5, 12, seed=2)

    def check(self, evaluate):
        point, along = random(2, 6, 7), random(2, 6, 7, seed=1)
        ahead, behind = (evaluate(point + s * self.step * along)[0] for s in (1, -1))
        wanted = np.einsum("gqv,gqv->g", evaluate(point)[1], along)
        assert (ahead - behind) / (2 * self.step) == pytest.approx(wanted, rel=1e-4)

    def test_of_both_parts(self):
        roots = random(2, 12, 12, seed=3)
        covariance = roots @ roots.swapaxes(1, 2)
        self.check(lambda free: polyadic.both_free(free, covariance, self.cross, 4))

    def test_on_white_inputs(self):
        self.check(lambda free: polyadic.both_free_on_white(free, self.cross, 4))

    def test_white_inputs_are_those_of_unit_covariance(self):
        free, white = random(2, 6, 7), np.broadcast_to(np.eye(12), (2, 12, 12))
        for one, other in zip(
            polyadic.both_free(free, white, self.cross, 4),
            polyadic.both_free_on_white(free, self.cross, 4),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, atol=1e-9)


def test_large_fits_take_fewer_steps():
    assert polyadic.affordable(100, 64, 576) == 100
    assert polyadic.FEWEST < polyadic.affordable(100, 512, 4608) < 100
    assert polyadic.affordable(20, 512, 4608) == polyadic.FEWEST
    assert polyadic.affordable(0, 64, 576) == 0


def test_large_kernels_descend_in_single_precision_and_end_as_near(monkeypatch):
    kernel = of_products(32, 24, 40, 3, 3) + 0.1 * random(32, 24, 3, 3)
    lost = factorize(kernel, NARROW, 40).relative_error
    monkeypatch.setattr(polyadic, "LIGHT", 0)
    assert factorize(kernel, NARROW, 40).relative_error == pytest.approx(lost, rel=0.02)
    exact = factorize(of_products(8, 6, 4, 3, 3), NARROW, 8 * 6)
    assert exact.relative_error < EXACT


def test_the_largest_kernels_descend_in_fewer_steps(monkeypatch):
    kernel = random(32, 24, 3, 3)
    lost = factorize(kernel, NARROW, 40).relative_error
    monkeypatch.setattr(polyadic, "FULL", 1)
    sooner = factorize(kernel, NARROW, 40).relative_error
    assert lost < sooner < 1.1 * lost
