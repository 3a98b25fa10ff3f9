"""Numbers in readable form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.report import units


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"), (999, "999"), (1000, "1.00 k"), (4_209_088, "4.21 M"), (568_740_352, "568.7 M"),
        (9_994, "9.99 k"), (9_996, "10.0 k"), (999_949, "999.9 k"), (999_999, "1.00 M"),
        (15_470_264_320, "15.5 G"), (2**62, "4.61 E"), (0.5, "0.5"),
    ],
)  # fmt: skip
def test_human_numbers(value, shown):
    assert units.human(value) == shown


def test_bytes_have_their_unit():
    assert units.human(16_836_352, "B") == "16.8 MB"
    assert units.human(12, "B") == "12 B"


@given(st.integers(0, 10**24))
def test_human_numbers_are_right_to_half_a_percent(value):
    number, _, prefix = units.human(value).partition(" ")
    assert float(number) * 1000 ** units.PREFIXES.index(prefix) == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    ("factor", "shown"), [(8.844, "8.84×"), (9.996, "10.0×"), (31.97, "32.0×"), (1, "1.00×")]
)
def test_factors(factor, shown):
    assert units.times(factor) == shown


@pytest.mark.parametrize(
    ("shape", "shown"), [((1, 3, 224, 224), "1×3×224×224"), ((0,), "?"), ((), "1"), ((7,), "7")]
)
def test_shapes(shape, shown):
    assert units.dims(shape) == shown


@given(st.floats(0, 1))
def test_a_bar_has_the_requested_width_and_shows_any_positive_share(share):
    bar = units.bar(share, 6)
    assert len(bar) == 6
    assert bool(bar.strip()) == (share > 0)


@pytest.mark.parametrize(
    ("share", "shown"), [(0.5, "███   "), (1, "██████"), (1 / 12, "▌     "), (0, "      ")]
)
def test_bars(share, shown):
    assert units.bar(share, 6) == shown


@pytest.mark.parametrize(("sides", "shown"), [((2, 2), "2"), ((1, 2), "1×2"), ((3,), "3")])
def test_equal_sides_are_shown_once(sides, shown):
    assert units.per_side(sides) == shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (45, "45 s"),
        (99.4, "99 s"),
        (150, "2 min"),
        (3540, "59 min"),
        (4800, "1 h 20 min"),
    ],
)
def test_a_time_to_wait(seconds, words):
    assert units.waiting(seconds) == words
