"""Samples to tune on: only images are moved and mixed, and nothing is made up."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.separable.data.samples import Calibration
from sepcost.separable.tuning import pool as module
from sepcost.separable.tuning.pool import pool


def data(array, *, stacked=True, places=None):
    chosen = np.arange(len(array)) if places is None else np.asarray(places)
    return Calibration({"x": lambda at: array[at]}, chosen, 4, stacked)


def images(*shape, count=6):
    """Every pixel of image k is k."""
    whole = np.ones((count, *shape), np.float32)
    return whole * np.arange(count, dtype=np.float32).reshape(-1, *[1] * len(shape))


@pytest.mark.parametrize("shape", [(3, 12, 16), (12, 16, 3), (1, 24, 24)])
def test_images_are_mixed_with_others(shape, monkeypatch):
    monkeypatch.setattr(module, "LIGHT", 0.0)
    samples = pool(data(images(*shape)))
    made = samples.draw([0] * 40, np.random.default_rng(0))["x"]
    assert made.shape == (40, *shape)
    assert set(np.unique(made)) <= set(range(6))
    mixed = sum(len(np.unique(one)) == 2 for one in made)
    assert 15 < mixed < 40
    assert any(not one.any() for one in made)


def test_an_image_is_mirrored_or_not(monkeypatch):
    monkeypatch.setattr(module, "LIGHT", 0.0)
    monkeypatch.setattr(module, "_rectangle", lambda *_: (slice(0), slice(0)))
    ramp = np.broadcast_to(np.arange(24.0, dtype=np.float32), (1, 3, 24, 24)).copy()
    made = pool(data(ramp)).draw([0] * 80, np.random.default_rng(0))["x"]
    steps = made[..., 12] - made[..., 11]
    assert set(np.unique(steps)) == {-1, 1}
    assert 0.25 < (steps[:, 0, 0] < 0).mean() < 0.6


def test_light_changes_and_one_image_in_eight_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(module, "_moved", lambda image, _: image)
    image = np.random.default_rng(2).standard_normal((1, 3, 12, 12)).astype(np.float32)
    made = pool(data(image)).draw([0] * 400, np.random.default_rng(0))["x"]
    same = np.array([np.array_equal(one, image[0]) for one in made])
    assert 0.08 < same.mean() < 0.18
    lit = made[~same]
    contrast = lit.std((1, 2, 3)) / image.std()
    brightness = lit.mean((1, 2, 3)) - contrast * image.mean()
    assert contrast.mean() == pytest.approx(1, abs=0.05)
    assert contrast.std() == pytest.approx(module.LIGHT, rel=0.2)
    assert brightness.std() == pytest.approx(module.LIGHT * image.std(), rel=0.25)


@pytest.mark.parametrize("shape", [(8,), (13, 9, 9), (3, 4, 4), (1, 100), (5, 16, 16)])
def test_what_is_no_image_stays_as_it_is(shape):
    samples = pool(data(images(*shape)))
    made = samples.draw([4, 1], np.random.default_rng(0))["x"]
    assert np.array_equal(made, images(*shape)[[4, 1]])


def test_a_shift_moves_all_channels_alike_and_mirrors_the_edges(monkeypatch):
    monkeypatch.setattr(module, "LIGHT", 0.0)
    ramp = np.broadcast_to(np.arange(24.0, dtype=np.float32), (1, 3, 24, 24)).copy()
    samples = pool(data(ramp))
    for one in samples.draw([0] * 50, np.random.default_rng(1))["x"]:
        assert np.array_equal(one[0], one[2])
        gaps = np.abs(one - np.stack([ramp[0], ramp[0, ..., ::-1]])).min(0)
        assert gaps.max() <= 4


def test_only_samples_of_the_data_come_up_and_a_seed_repeats_them(monkeypatch):
    """Held-out samples are at other places."""
    monkeypatch.setattr(module, "LIGHT", 0.0)
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
