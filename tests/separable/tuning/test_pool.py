"""Samples to tune on: only images are moved and mixed, and nothing is made up."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.separable.data.samples import Calibration
from sepcost.separable.tuning.pool import pool


def data(array, *, stacked=True, places=None):
    chosen = np.arange(len(array)) if places is None else np.asarray(places)
    return Calibration({"x": lambda at: array[at]}, chosen, 4, stacked)


def images(*shape, count=6):
    """Every pixel of image k is k."""
    whole = np.ones((count, *shape), np.float32)
    return whole * np.arange(count, dtype=np.float32).reshape(-1, *[1] * len(shape))


@pytest.mark.parametrize("shape", [(3, 12, 16), (12, 16, 3), (1, 24, 24)])
def test_images_are_shifted_and_mixed_with_others(shape):
    samples = pool(data(images(*shape)))
    made = samples.draw([0] * 40, np.random.default_rng(0))["x"]
    assert made.shape == (40, *shape)
    assert set(np.unique(made)) <= set(range(6))
    mixed = sum(len(np.unique(one)) == 2 for one in made)
    assert 15 < mixed < 40
    assert any(not one.any() for one in made)


@pytest.mark.parametrize("shape", [(8,), (13, 9, 9), (3, 4, 4), (1, 100), (5, 16, 16)])
def test_what_is_no_image_stays_as_it_is(shape):
    samples = pool(data(images(*shape)))
    made = samples.draw([4, 1], np.random.default_rng(0))["x"]
    assert np.array_equal(made, images(*shape)[[4, 1]])


def test_a_shift_moves_all_channels_alike_and_mirrors_the_edges():
    ramp = np.broadcast_to(np.arange(24.0, dtype=np.float32), (1, 3, 24, 24)).copy()
    samples = pool(data(ramp))
    for one in samples.draw([0] * 50, np.random.default_rng(1))["x"]:
        assert np.array_equal(one[0], one[2])
        assert np.abs(one - ramp[0]).max() <= 4


def test_only_samples_of_the_data_come_up_and_a_seed_repeats_them():
    """Held-out samples are at other places."""
    held = data(images(3, 8, 8), places=[0, 2, 4])
    samples = pool(held)
    assert len(samples) == 3
    first, again = (
        samples.draw(list(range(3)) * 20, np.random.default_rng(3))["x"] for _ in range(2)
    )
    assert set(np.unique(first)) == {0, 2, 4}
    assert np.array_equal(first, again)


def test_memory_holds_a_share_of_large_data(monkeypatch):
    monkeypatch.setattr("sepcost.separable.tuning.pool.HELD_BYTES", 3 * 4 * 192)
    assert len(pool(data(images(3, 8, 8)))) == 3


def test_whole_inputs_come_one_by_one():
    samples = pool(data(images(1, 3, 9, 9), stacked=False))
    assert samples.draw([2], np.random.default_rng(0))["x"].shape == (1, 3, 9, 9)
