"""Effects of options: measured from the layer on, and read between the measured ones."""

import numpy as np
import pytest

from sepcost.separable.factors.blocks import Form
from sepcost.separable.plan.menu import Option
from sepcost.separable.plan.option_effects import between, spread, undominated
from sepcost.separable.settings import Saving


def options(*pairs):
    return [
        Option(Form.DEPTHWISE_POINTWISE, rank, macs, fitted_error=error)
        for rank, (macs, error) in enumerate(pairs)
    ]


def test_an_option_that_costs_no_less_than_a_better_one_is_dropped():
    left = undominated(options((10, 0.5), (20, 0.6), (20, 0.3), (30, 0.3), (5, 0.9)), Saving.MACS)
    assert [(one.macs, one.fitted_error) for one in left] == [(20, 0.3), (10, 0.5), (5, 0.9)]


def test_the_best_and_the_worst_are_among_the_measured():
    every = options(*((10, 0.5**k) for k in range(12)))[::-1]
    chosen = spread(every, 4)
    assert len(chosen) == 4
    assert chosen[0] is every[0]
    assert chosen[-1] is every[-1]


def test_a_power_law_is_read_exactly():
    own = [1e-6, 1e-4, 1e-2]
    known = [(error, 3 * error**1.5) for error in own]
    assert between(known, [1e-5, 1e-3]) == pytest.approx([3 * 1e-5**1.5, 3 * 1e-3**1.5])


def test_effects_read_never_fall_with_the_error():
    wanted = np.geomspace(1e-4, 1e-2, 9).tolist()
    read = between([(1e-4, 2e-3), (1e-3, 1e-3), (1e-2, 5e-3)], wanted)
    assert read == sorted(read)


def test_errors_of_zero_have_no_effect():
    assert between([(0.0, 0.0), (1.0, 1.0)], [0.0])[0] < 1e-20
    assert between([], []) == []
