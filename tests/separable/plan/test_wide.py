"""Shrinkage of covariances, worked by hand and on normal numbers."""

import numpy as np
import pytest

from sepcost.separable.plan.wide import shrinkage


def test_the_shrinkage_by_hand():
    """S = diag(3, 1), 9 samples: tr S² = 10, tr² S = 16; (0·10 + 16) / ((9 + 1 - 1)·(10 - 8))."""
    assert shrinkage(np.diag([3.0, 1.0])[None], 9) == pytest.approx(16 / 18)


def test_equal_variances_are_shrunk_completely():
    assert shrinkage(np.eye(5)[None], 10) == 1.0
    assert shrinkage(np.zeros((1, 5, 5)), 10) == 1.0


@pytest.mark.parametrize("samples", [20, 60, 200])
def test_a_shrunk_covariance_is_nearer_to_the_true_one(samples):
    random = np.random.default_rng(0)
    true = np.diag(0.9 ** np.arange(50.0))
    rows = random.standard_normal((samples, 50)) * np.sqrt(np.diag(true))
    seen = np.cov(rows.T, bias=True)
    share = shrinkage(seen[None], samples)
    shrunk = (1 - share) * seen + share * np.trace(seen) / 50 * np.eye(50)
    assert np.linalg.norm(shrunk - true) < np.linalg.norm(seen - true)


def test_more_samples_need_less():
    seen = np.diag(0.9 ** np.arange(50.0))[None]
    shares = [shrinkage(seen, samples) for samples in (20, 200, 2000)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.05
