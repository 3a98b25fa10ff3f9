"""Gradients of the distance against differences of it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from sepcost.separable.quality.classes import Chosen, Classes
from sepcost.separable.quality.parts import parts
from sepcost.separable.quality.row_groups import RowGroups
from sepcost.separable.runs.output_loss import Reference, effect
from sepcost.separable.tuning import distance

ROWS = 3


def softmax(x, axis):
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


#: An answer, another one, and where classes are: scores, probabilities, maps, sequences, a sigmoid.
CASES = {
    "scores": (noise(ROWS, 5), noise(ROWS, 5, seed=1), Classes(1, 0, probabilities=False)),
    "probabilities": (
        softmax(noise(ROWS, 5), 1), softmax(noise(ROWS, 5, seed=1), 1),
        Classes(1, 0, probabilities=True),
    ),
    "maps": (
        noise(ROWS, 4, 2, 2), noise(ROWS, 4, 2, 2, seed=1), Classes(1, 0, probabilities=False)
    ),
    "sequences": (
        noise(ROWS, 6, 4), noise(ROWS, 6, 4, seed=1), Classes(2, 0, probabilities=False)
    ),
    "a sigmoid": (
        1 / (1 + np.exp(-noise(ROWS, 1))), 1 / (1 + np.exp(-noise(ROWS, 1, seed=1))),
        Classes(-1, 0, probabilities=True),
    ),
    "an embedding": (noise(ROWS, 5), noise(ROWS, 5, seed=1), None),
    "boxes": (noise(ROWS, 6, 7), noise(ROWS, 6, 7, seed=1), None),
    "samples second": (noise(6, ROWS, 4), noise(6, ROWS, 4, seed=1), None),
}  # fmt: skip


def given(answer, _):
    return [answer]


def of(a, classes, groups=None):
    chosen = Chosen("y", classes) if classes else None
    return parts(["y"], [[a]], [ROWS], groups or {}, chosen)


#: Differences leave the simplex, where KL is not normalised: see the test after.
SIMPLEX = "probabilities"


@pytest.mark.parametrize("name", [name for name in CASES if name != SIMPLEX])
def test_seeds_are_slopes_of_the_distance(name, monkeypatch):
    a, b, classes = CASES[name]
    made = of(a, classes)
    monkeypatch.setattr(distance, "TEMPERATURE", 1.0)  # as the losses are measured
    found = distance.seeds(made, {"y": a}, {"y": b}, ROWS)["y"]
    about = Reference(["y"], [{}], [[a]], [ROWS], made)
    for place in np.ndindex(b.shape):
        moved = [b.copy(), b.copy()]
        for one, step in zip(moved, (1e-5, -1e-5), strict=True):
            one[place] += step
        up, down = (ROWS * effect(partial(given, one), about).loss for one in moved)
        wanted = (up - down) / 2e-5
        assert found[place] == pytest.approx(wanted, abs=1e-4)


def test_the_slope_at_probabilities_is_that_at_their_scores():
    """Through the softmax, dy/dz, it must be q - p."""
    a, z = noise(ROWS, 5), noise(ROWS, 5, seed=1)
    p, q = softmax(a, 1), softmax(z, 1)
    made = of(p, Classes(1, 0, probabilities=True))
    slope = distance.seeds(made, {"y": p}, {"y": q}, ROWS)["y"]
    through = q * (slope - (slope * q).sum(1, keepdims=True))
    warm = distance.TEMPERATURE
    assert np.allclose(through, warm * (softmax(z / warm, 1) - softmax(a / warm, 1)), atol=1e-5)


def test_a_small_part_counts_as_much_as_a_large_one():
    a = noise(ROWS, 6, 7)
    a[:, 4:] *= 1e-4
    made = of(a, None, {"y": RowGroups(1, (4, 2))})
    off = a * 1.1
    slopes = distance.seeds(made, {"y": a}, {"y": off}, ROWS)["y"]
    shares = [float((slopes[:, rows] * a[:, rows]).sum()) for rows in (slice(4), slice(4, 6))]
    assert shares[0] == pytest.approx(shares[1], rel=0.5)


def test_the_same_answers_have_no_distance():
    for a, _, classes in CASES.values():
        about = Reference(["y"], [{}], [[a]], [ROWS], of(a, classes))
        assert effect(partial(given, a), about).loss == pytest.approx(0)
        assert np.allclose(distance.seeds(about.parts, {"y": a}, {"y": a}, ROWS)["y"], 0)
