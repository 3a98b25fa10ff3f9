"""The equations of Howard et al. 2017, compared with its table 3 and with each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost import formulas

SMALL = st.integers(1, 40)
KERNELS = st.lists(st.integers(1, 7), min_size=1, max_size=3).map(tuple)


@pytest.mark.parametrize(
    ("alpha", "rho", "macs", "params"),
    [
        (1, 1, 52_283_392, 266_752),
        (0.75, 1, 29_578_752, 150_912),
        (0.75, 0.714, 15_091_200, 150_912),
    ],
)
def test_table_3_separable_rows(alpha, rho, macs, params):
    channels, side = formulas.scaled(512, alpha), formulas.scaled(14, rho)
    assert formulas.separable((3, 3), (channels, channels), side**2) == macs
    assert formulas.separable_params((3, 3), (channels, channels)) == params


def test_table_3_convolution_row():
    assert formulas.regular((3, 3), (512, 512), 14**2) == 462_422_016
    assert formulas.regular_params((3, 3), (512, 512)) == 2_359_296


def test_the_ratio_of_the_paper_is_one_over_n_plus_one_over_d_k_squared():
    assert formulas.ratio((3, 3), 512) == pytest.approx(1 / 512 + 1 / 9)
    assert formulas.ratio((3, 3), 512) == pytest.approx(52_283_392 / 462_422_016)


def test_break_even_rank_is_n_k_over_n_plus_k():
    assert formulas.break_even_rank((3, 3), 512) == pytest.approx(512 * 9 / (512 + 9))
    assert formulas.break_even_rank((3, 3), 64, group=4) == pytest.approx(16 * 9 / (16 + 9))


def test_grouped_one_axis_by_hand():
    # two groups of 4 -> 6 channels, kernel 5, 10 positions: 2 * (5 * 4 * 6 * 10)
    assert formulas.regular((5,), (8, 12), 10, group=2) == 2400
    # depthwise 5 * 8 * 10, pointwise 2 * (4 * 6 * 10)
    assert formulas.separable((5,), (8, 12), 10, group=2) == 400 + 480


@given(KERNELS, SMALL, SMALL, SMALL, st.integers(1, 4), st.integers(1, 5))
def test_ratio_is_the_quotient_of_the_costs(kernel, per_in, per_out, positions, group, rank):
    channels = (per_in * group, per_out * group)
    regular = formulas.regular(kernel, channels, positions, group)
    separable = formulas.separable(kernel, channels, positions, group, rank)
    assert separable / regular == pytest.approx(formulas.ratio(kernel, channels[1], group, rank))
    break_even = formulas.break_even_rank(kernel, channels[1], group)
    assert rank / break_even == pytest.approx(separable / regular)


@given(KERNELS, SMALL, SMALL, st.integers(1, 4))
def test_params_are_macs_at_one_position(kernel, per_in, per_out, group):
    channels = (per_in * group, per_out * group)
    assert formulas.regular_params(kernel, channels, group) == formulas.regular(
        kernel, channels, 1, group
    )


@pytest.mark.parametrize(
    ("size", "factor", "scaled"), [(224, 0.714, 160), (32, 0.75, 24), (1, 0.25, 1), (6, 0.75, 5)]
)
def test_scaled_rounds_to_the_nearest_and_never_to_nothing(size, factor, scaled):
    assert formulas.scaled(size, factor) == scaled
