"""Errors of widths that are read between those of a few."""

import numpy as np
import pytest

from sepcost.separable.plan.curves import read


def test_errors_are_read_between_and_beyond_known_ones():
    errors = np.ones(20)
    errors[[4, 8, 12]] = np.exp([-1, -2, -4])
    found = read(errors, [4, 8, 12], [2, 4, 6, 8, 10, 12, 14])
    assert np.log(found) == pytest.approx([-1, -1, -1.5, -2, -3, -4, -5])


def test_one_known_width_says_nothing_about_others():
    errors = np.array([1.0, 0.5, 0.25])
    assert read(errors, [1], [1, 2]) == pytest.approx([0.5, 0.5])


def test_an_exact_width_is_no_problem():
    assert read(np.array([1.0, 0.1, 0.0]), [1, 2], [1, 2]) == pytest.approx([0.1, 0], abs=1e-9)
