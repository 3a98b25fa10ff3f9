"""Factors fitted to data: errors compared with the data, optima with closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepcost.errors import ConversionError
from sepcost.separable.data.moments import Moments
from sepcost.separable.factors.fit import MIXED, FitOptions, fit, fit_menu
from sepcost.separable.factors.kernels import Form, factorize, ranks, reconstruct
from sepcost.separable.factors.projection import pointwise_first, spatial_first

DW, PW, BLOCK, NARROW, BOTTLENECK = Form
WEAK = FitOptions(ridge=1e-6)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def rows_of(weight, group=1, samples=300, seed=0):
    """Correlated patches [samples, G, F] and their outputs under the weight."""
    features = weight[0].size
    mixing = random(group, features, features, seed=seed) * np.linspace(0.2, 2, features)
    patches = 1 + np.einsum("ngf,gfh->ngh", random(samples, group, features, seed=seed + 1), mixing)
    return patches, 0.5 + answers(weight, patches)


def answers(weight, patches):
    return np.einsum(
        "ngf,gof->ngo", patches, weight.reshape(patches.shape[1], -1, patches.shape[2])
    )


def moments(patches, targets):
    x, t = patches - patches.mean(0), targets - targets.mean(0)
    return Moments(
        samples=len(x),
        patch_mean=patches.mean(0),
        target_mean=targets.mean(0),
        covariance=np.einsum("ngf,ngh->gfh", x, x) / len(x),
        cross=np.einsum("ngo,ngf->gof", t, x) / len(x),
        target_covariance=np.einsum("ngo,ngp->gop", t, t) / len(t),
    )


def error(factors, patches, targets, bias=None):
    """Root of the error's share of the variance, computed from the rows."""
    made = answers(reconstruct(factors), patches)
    bias = factors.bias if bias is None else bias
    rest = targets - made - np.reshape(bias, made.shape[1:])
    return np.sqrt(np.sum(rest**2) / np.sum((targets - targets.mean(0)) ** 2))


def best_bias(factors, patches, targets):
    return (targets - answers(reconstruct(factors), patches)).mean(0)


def white(features, group=1):
    """Patches of unit covariance."""
    basis = np.sqrt(features) * np.concatenate([np.eye(features), -np.eye(features)])
    return np.repeat(basis[:, None], group, axis=1)


@st.composite
def layers(draw):
    group, form = draw(st.integers(1, 2)), draw(st.sampled_from(list(Form)))
    kernel = draw(st.sampled_from([(3,), (2, 2), (1, 3), (1, 2, 2)]))
    shape = (group * draw(st.integers(1, 4)), draw(st.integers(1, 4)), *kernel)
    rank = draw(st.sampled_from(ranks(shape, form, group=group)))
    return random(*shape, seed=draw(st.integers(0, 50))), group, form, rank


@given(layers())
@settings(max_examples=40, deadline=None)
def test_the_reported_error_is_the_error_on_the_data(case):
    weight, group, form, rank = case
    patches, targets = rows_of(weight, group)
    factors = fit(weight, moments(patches, targets), form, rank, WEAK)
    assert factors.relative_error == pytest.approx(error(factors, patches, targets), abs=1e-4)


@given(layers())
@settings(max_examples=40, deadline=None)
def test_a_fit_is_no_worse_than_its_start_nor_than_the_weights_alone(case):
    weight, group, form, rank = case
    patches, targets = rows_of(weight, group)
    made = moments(patches, targets)
    start = fit(weight, made, form, rank, FitOptions(ridge=1e-6, iterations=0))
    factors = fit(weight, made, form, rank, FitOptions(ridge=1e-6, iterations=60))
    blind = factorize(weight, form, rank, group=group)
    bias = best_bias(blind, patches, targets)
    assert factors.relative_error <= start.relative_error + 1e-4
    assert factors.relative_error <= error(blind, patches, targets, bias) + 1e-4


@pytest.mark.parametrize("form", [DW, PW, BOTTLENECK])
@pytest.mark.parametrize("group", [1, 2])
def test_full_rank_computes_the_same(form, group):
    weight = random(6, 4, 3, 3)
    full = ranks(weight.shape, form, group=group)[-1]
    patches, targets = rows_of(weight, group)
    factors = fit(weight, moments(patches, targets), form, full)
    assert reconstruct(factors) == pytest.approx(weight, abs=1e-5)
    assert factors.bias == pytest.approx(0.5, abs=1e-4)
    assert factors.relative_error == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("form", list(Form))
def test_on_white_patches_the_optimum_is_that_of_the_weights_alone(form):
    weight = random(6, 4, 2, 2)
    patches = white(16)
    made = moments(patches, answers(weight, patches))
    assert made.covariance[0] == pytest.approx(np.eye(16))
    for rank in (1, 2):
        factors = fit(weight, made, form, rank)
        best = factorize(weight, form, rank).relative_error
        assert factors.relative_error == pytest.approx(best, abs=1e-3 if form is NARROW else 1e-4)


def test_a_bottleneck_is_the_svd_in_the_metric_of_the_patches():
    weight = random(6, 4, 2, 2)
    patches, targets = rows_of(weight)
    made = moments(patches, targets)
    root = np.linalg.cholesky(made.covariance[0])
    values = np.linalg.svd(weight.reshape(6, -1) @ root, compute_uv=False)
    for rank in range(1, 6):
        wanted = np.sqrt(np.sum(values[rank:] ** 2) / np.sum(values**2))
        factors = fit(weight, made, BOTTLENECK, rank, WEAK)
        assert factors.relative_error == pytest.approx(wanted, rel=1e-3)


def test_the_fit_is_far_better_than_the_weights_if_channels_are_alike():
    weight = random(16, 8, 3, 3)
    shared = random(400, 1, 1, 9) + 0.3 * random(400, 1, 8, 9, seed=1)
    patches = shared.reshape(400, 1, 72)
    targets = answers(weight, patches)
    factors, blind = fit(weight, moments(patches, targets), DW, 1), factorize(weight, DW, 1)
    by_weights = error(blind, patches, targets, best_bias(blind, patches, targets))
    assert factors.relative_error < 0.6 * by_weights


def test_targets_of_another_network_undo_the_errors_of_the_inputs():
    weight = random(6, 4, 3, 3)
    patches, targets = rows_of(weight)
    spoiled = 0.5 * patches + 3
    full = ranks(weight.shape, DW)[-1]
    factors = fit(weight, moments(spoiled, targets), DW, full, WEAK)
    assert reconstruct(factors) == pytest.approx(2 * weight, abs=1e-3)
    assert error(factors, spoiled, targets) < 1e-3


@pytest.mark.parametrize("form", list(Form))
def test_the_means_are_kept(form):
    weight = random(6, 4, 3, 3)
    patches, targets = rows_of(weight)
    factors = fit(weight, moments(patches, targets), form, 1)
    made = answers(reconstruct(factors), patches).mean(0).ravel() + factors.bias
    assert made == pytest.approx(targets.mean(0).ravel())


class TestDead:
    """Where the data never vary, the weights decide."""

    @pytest.mark.parametrize("form", list(Form))
    @pytest.mark.parametrize("ridge", [0.0, 1e-2])
    def test_inputs_that_never_vary_leave_the_weights_alone(self, form, ridge):
        weight = random(6, 4, 3, 3)
        patches = np.ones((50, 1, 36))
        made = moments(patches, answers(weight, patches))
        factors = fit(weight, made, form, 2, FitOptions(ridge=ridge))
        blind = factorize(weight, form, 2)
        np.testing.assert_allclose(reconstruct(factors), reconstruct(blind), atol=1e-4)
        assert factors.relative_error == 0.0

    def test_a_dead_channel_keeps_the_factors_of_its_weights(self):
        weight = random(6, 4, 3, 3)
        patches, _ = rows_of(weight)
        patches[:, :, 9:18] = 0
        made = moments(patches, answers(weight, patches))
        factors = fit(weight, made, DW, 2, FitOptions(iterations=100))
        wanted = reconstruct(factorize(weight, DW, 2))
        np.testing.assert_allclose(reconstruct(factors)[:, 1], wanted[:, 1], atol=1e-2)

    @pytest.mark.parametrize("form", list(Form))
    def test_a_zero_kernel_of_zero_targets_stays_zero(self, form):
        zeros = np.zeros((6, 4, 3, 3))
        patches, targets = rows_of(zeros)
        factors = fit(zeros, moments(patches, targets), form, 2)
        assert not reconstruct(factors).any()
        assert factors.bias == pytest.approx(0.5)
        assert factors.relative_error == 0.0


def test_a_strong_ridge_gives_the_factors_of_the_weights():
    weight = random(6, 4, 3, 3)
    patches, targets = rows_of(weight)
    for form in Form:
        factors = fit(weight, moments(patches, targets), form, 2, FitOptions(ridge=1e9))
        wanted = reconstruct(factorize(weight, form, 2))
        np.testing.assert_allclose(reconstruct(factors), wanted, atol=1e-4)


@pytest.mark.parametrize("form", [DW, BLOCK, BOTTLENECK])
def test_an_output_that_counts_more_errs_less(form):
    weight = random(6, 4, 3, 3)
    patches, targets = rows_of(weight)
    made = moments(patches, targets)
    metric = np.diag(np.array([30.0, 1, 1, 1, 1, 1]) ** 2)

    def first(factors):
        rest = answers(reconstruct(factors), patches) + factors.bias - targets
        return np.sum(rest[..., 0] ** 2)

    plain, weighed = (fit(weight, made, form, 1, FitOptions(metric=m)) for m in (None, metric))
    assert first(weighed) < 0.5 * first(plain)


class TestMetric:
    """The metric of errors, in which some directions of the outputs count more."""

    toward = random(6, 6, seed=3)[:2]
    metric = toward.T @ toward

    def lost(self, factors, patches, targets, metric):
        rest = (answers(reconstruct(factors), patches) + factors.bias - targets)[:, 0]
        return np.einsum("ni,ij,nj->", rest, metric, rest)

    @pytest.mark.parametrize("form", [DW, BLOCK, BOTTLENECK])
    def test_errors_are_moved_where_they_do_not_matter(self, form):
        weight = random(6, 4, 3, 3)
        patches, targets = rows_of(weight)
        made = moments(patches, targets)
        plain, turned = (
            fit(weight, made, form, 2, FitOptions(metric=m)) for m in (None, self.metric)
        )
        lost = [self.lost(f, patches, targets, self.metric) for f in (plain, turned)]
        assert lost[1] < 0.5 * lost[0]

    @pytest.mark.parametrize("form", [DW, BLOCK, BOTTLENECK])
    def test_the_reported_error_is_in_the_metric(self, form):
        weight = random(6, 4, 3, 3)
        patches, targets = rows_of(weight)
        made = moments(patches, targets)
        factors = fit(weight, made, form, 1, FitOptions(ridge=1e-6, metric=self.metric))
        mixed = self.metric / (np.trace(self.metric) / 6) + MIXED * np.eye(6)
        away = (targets - targets.mean(0))[:, 0]
        whole = np.einsum("ni,ij,nj->", away, mixed, away)
        wanted = np.sqrt(self.lost(factors, patches, targets, mixed) / whole)
        assert factors.relative_error == pytest.approx(wanted, rel=1e-3)

    def test_a_bottleneck_is_the_svd_of_outputs_turned_by_its_root(self):
        weight = random(6, 4, 2, 2)
        patches, targets = rows_of(weight)
        made = moments(patches, targets)
        metric = self.metric + np.eye(6)
        mixed = metric / (np.trace(metric) / 6) + MIXED * np.eye(6)
        root, inner = np.linalg.cholesky(mixed).T, np.linalg.cholesky(made.covariance[0])
        values = np.linalg.svd(root @ weight.reshape(6, -1) @ inner, compute_uv=False)
        for rank in range(1, 6):
            wanted = np.sqrt(np.sum(values[rank:] ** 2) / np.sum(values**2))
            options = FitOptions(ridge=1e-6, metric=metric)
            factors = fit(weight, made, BOTTLENECK, rank, options)
            assert factors.relative_error == pytest.approx(wanted, rel=1e-3)

    @pytest.mark.parametrize("form", list(Form))
    def test_only_its_shape_counts(self, form):
        weight = random(6, 4, 3, 3)
        made = moments(*rows_of(weight, group=2))
        metric = self.metric + np.eye(6)
        one, other = (fit(weight, made, form, 1, FitOptions(metric=k * metric)) for k in (1, 1e-9))
        np.testing.assert_allclose(reconstruct(one), reconstruct(other), atol=1e-5)

    @pytest.mark.parametrize("form", list(Form))
    def test_a_metric_of_zeros_has_no_effect(self, form):
        weight = random(6, 4, 3, 3)
        made = moments(*rows_of(weight))
        plain, zero = (
            fit(weight, made, form, 1, FitOptions(metric=m)) for m in (None, np.zeros((6, 6)))
        )
        np.testing.assert_allclose(reconstruct(zero), reconstruct(plain), atol=1e-12)


def test_a_menu_is_its_entries_one_by_one():
    weight = random(8, 4, 3, 3)
    made = moments(*rows_of(weight))
    menu = [(DW, 2), (BLOCK, 2), (PW, 1), (DW, 1), (BOTTLENECK, 3), (BLOCK, 4)]
    for entry, factors in zip(menu, fit_menu(weight, made, menu), strict=True):
        single = fit(weight, made, *entry)
        assert (factors.form, factors.rank) == entry
        assert factors.full_rank == single.full_rank
        np.testing.assert_allclose(reconstruct(factors), reconstruct(single), atol=1e-12)


@pytest.mark.parametrize(("form", "shape"), [(DW, (3, 1, 8, 1, 3, 3)), (PW, (3, 1, 6, 1, 3, 3))])
def test_kernels_are_of_unit_norm_and_ready_to_emit(form, shape):
    weight = random(6, 4, 3, 3)
    factors = fit(weight, moments(*rows_of(weight, group=2)), form, 3)
    assert factors.spatial.shape == (shape[0], *shape[2:])
    assert factors.pointwise.shape == (3, 6, 4, 1, 1)
    norms = np.linalg.norm(factors.spatial.reshape(-1, 9), axis=1)
    assert norms == pytest.approx(1.0)


class TestGradients:
    """Closed forms against differences of the values."""

    step = 1e-6

    def slope(self, evaluate, point, along):
        ahead, behind = (evaluate(point + s * self.step * along)[0] for s in (1, -1))
        return (ahead - behind) / (2 * self.step)

    def test_of_spatial_kernels(self):
        made = moments(*rows_of(random(6, 4, 3), group=2))
        cross = np.ascontiguousarray(made.cross.reshape(2, 3, 4, 3).transpose(0, 2, 1, 3))

        def evaluate(free):
            return spatial_first(free, made.covariance, cross)

        point, along = random(2, 4, 2, 3), random(2, 4, 2, 3, seed=1)
        wanted = np.einsum("gbrf,gbrf->g", evaluate(point)[1], along)
        assert self.slope(evaluate, point, along) == pytest.approx(wanted, rel=1e-4)

    def test_of_pointwise_kernels(self, monkeypatch):
        made = moments(*rows_of(random(5, 4, 3)))
        covariance = made.covariance[0].reshape(4, 3, 4, 3)

        def evaluate(free):
            return pointwise_first(free, covariance, made.cross[0].reshape(5, 4, 3))

        point, along = random(5, 2, 4), random(5, 2, 4, seed=1)
        value, gradient, spatial = evaluate(point)
        wanted = np.einsum("nrm,nrm->n", gradient, along)
        assert self.slope(evaluate, point, along) == pytest.approx(wanted, rel=1e-4)
        monkeypatch.setattr("sepcost.separable.factors.projection._CHUNK", 1)
        for whole, pieces in zip((value, gradient, spatial), evaluate(point), strict=True):
            np.testing.assert_allclose(pieces, whole, rtol=1e-6, atol=1e-9)


def test_weights_that_are_not_numbers_are_refused():
    weight = random(6, 4, 3, 3)
    made = moments(*rows_of(weight))
    weight[0, 0, 0, 0] = np.nan
    for form in Form:
        with pytest.raises(ConversionError, match="NaN or infinity"):
            fit(weight, made, form, 1)
