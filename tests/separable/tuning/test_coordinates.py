"""Whitened coordinates: the same weights at the start, equal directions, the right slopes."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.cost.results import Convolution
from sepcost.separable.data.moments import Moments
from sepcost.separable.tuning import coordinates as module
from sepcost.separable.tuning.coordinates import coordinates


def layer(group=2, transposed=False):
    return Convolution(
        kernel=(3, 1), strides=(1, 1), dilations=(1, 1), pads=(0,) * 4, group=group,
        in_channels=4, out_channels=6, positions=1, pointwise_positions=1, transposed=transposed,
    )  # fmt: skip


def moments(group=2, seed=0):
    random = np.random.default_rng(seed)
    features, own = 4 // group * 3, 6 // group
    mixed = random.standard_normal((group, features, 200)) * np.logspace(0, -2, features)[:, None]
    mean = random.standard_normal((group, features))
    spread = mixed @ mixed.swapaxes(1, 2) / 200
    return Moments(
        200, mean, np.zeros((group, own)), spread, np.zeros((group, own, features)),
        np.stack([np.eye(own)] * group),
    )  # fmt: skip


def weights(group=2, transposed=False):
    random = np.random.default_rng(1)
    shape = (4, 6 // group, 3, 1) if transposed else (6, 4 // group, 3, 1)
    return {"w": random.standard_normal(shape), "b": random.standard_normal(6)}


def made(group=2, bias="b", transposed=False):
    given = weights(group, transposed)
    return coordinates("w", bias, layer(group, transposed), given, moments(group)), given


@pytest.mark.parametrize("widest", [2048, 1])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("bias", ["b", None])
@pytest.mark.parametrize("group", [1, 2])
def test_they_start_at_the_weights(group, bias, transposed, widest, monkeypatch):
    monkeypatch.setattr(module, "WIDEST", widest)
    one, given = made(group, bias, transposed)
    found = one.weights()
    assert found.keys() == ({"w", "b"} if bias else {"w"})
    assert all(np.allclose(found[name], given[name]) for name in found)


def test_what_the_weight_sees_is_white():
    one, _ = made()
    seen = one.back @ moments().covariance @ one.back
    strong = np.linalg.eigvalsh(seen)
    assert strong.max() < 1.001
    assert np.median(strong) > 0.5


@pytest.mark.parametrize("transposed", [False, True])
def test_a_small_step_follows_the_gradient(transposed):
    """The first step of Adam has all signs of the gradient in V and b', at one size."""
    random = np.random.default_rng(2)
    one, given = made(transposed=transposed)
    gradients = {n: random.standard_normal(w.shape).astype(np.float32) for n, w in given.items()}
    before, offset = one.values.copy(), one.offset.copy()
    one.step(gradients, 1e-4, 1)
    assert np.allclose(np.abs(one.values - before), 1e-4 * np.sqrt(np.mean(before**2)))
    assert np.all(np.sign(offset - one.offset) == np.sign(gradients["b"]))
    moved = one.weights()
    fallen = sum(float(((moved[n] - given[n]) * gradients[n]).sum()) for n in given)
    assert fallen < 0
    slopes = -(one.values - before) * 1.0
    for group, row, feature in [(0, 1, 2), (1, 2, 0)]:  # dL/dV by a difference of L = g·W + g·b
        one.values, one.offset = before.copy(), offset.copy()
        one.values[group, row, feature] += 1.0
        up = one.weights()
        slope = sum(float(((up[n] - given[n]) * gradients[n]).sum()) for n in given)
        assert np.sign(slope) == np.sign(slopes[group, row, feature])


def test_an_input_that_never_varies_has_no_infinite_steps():
    still = moments()
    still.covariance[:] = 0
    one = coordinates("w", "b", layer(), weights(), still)
    one.step({n: np.ones(w.shape, np.float32) for n, w in weights().items()}, 1e-2, 1)
    assert all(np.isfinite(w).all() for w in one.weights().values())
