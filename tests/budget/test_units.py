"""Amounts are read exactly, and refused if they are ambiguous."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.budget.units import UNITS, Change, Dimension, UnitError, amount, change

COUNT, BYTES, TIME = Dimension.COUNT, Dimension.BYTES, Dimension.TIME


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("600M", COUNT, 600_000_000),
        ("600 M", COUNT, 600_000_000),
        ("0.6 G", COUNT, 600_000_000),
        ("1_000", COUNT, 1000),
        ("1e3", COUNT, 1000),
        (".5k", COUNT, 500),
        (7, COUNT, 7),
        ("10 MB", BYTES, 10_000_000),
        ("10 MiB", BYTES, 10_485_760),
        ("1.5kB", BYTES, 1500),
        ("1 KiB", BYTES, 1024),
        ("64", BYTES, 64),
        ("12 ms", TIME, 12_000_000),
        ("3 µs", TIME, 3000),
        ("3us", TIME, 3000),
        ("0.1 s", TIME, 100_000_000),
        ("20 %", Dimension.SHARE, Fraction(1, 5)),
        ("2x", Dimension.FACTOR, 2),
        ("1.05×", Dimension.FACTOR, Fraction(21, 20)),
        (1e-3, Dimension.NUMBER, Fraction(1, 1000)),
        ("0.1 %", Dimension.NUMBER, Fraction(1, 1000)),
    ],
)
def test_amounts_as_people_write_them(text, dimension, value):
    assert amount(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "complaint"),
    [
        ("12 sec", TIME, "'12 sec' has an unknown unit; choose from ms"),
        ("600 Mb", BYTES, "did you mean 'MB'?"),
        ("600 m", COUNT, "'600 m' has an unknown unit; did you mean 'M'?"),
        ("10 MB", COUNT, "'10 MB' has an unknown unit"),
        ("12", TIME, "'12' has no unit; expected a time such as '12 ms'"),
        (12, TIME, "12 has no unit; expected a time such as '12 ms'"),
        ("-1", COUNT, "below zero"),
        (-1, COUNT, "below zero"),
        ("much", COUNT, "expected a count such as '600 M' or 600_000_000, not 'much'"),
        ("", COUNT, "expected a count such as"),
        ("1 2", COUNT, "expected a count such as"),
        ("600 M MACs", COUNT, "expected a count such as"),
        (True, COUNT, "not true"),
        (float("nan"), COUNT, "expected"),
        (float("inf"), Dimension.NUMBER, "expected"),
        ([1], COUNT, "expected a count such as"),
        (1 << 200, COUNT, "an integer of 201 bits"),
        ("9" * 99, COUNT, "expected a count such as"),
    ],
)
def test_invalid_amounts_are_refused_with_a_remedy(text, dimension, complaint):
    with pytest.raises(UnitError) as caught:
        amount(text, dimension)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+5 %", Change(Fraction(21, 20))),
        ("+0%", Change()),
        ("-10 %", Change(Fraction(9, 10))),
        ("1.05x", Change(Fraction(21, 20))),
        ("+1 M", Change(offset=Fraction(10**6))),
        ("-1k", Change(offset=Fraction(-1000))),
    ],
)
def test_changes_against_a_baseline(text, found):
    assert change(text, COUNT) == found


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("5 %", "'5 %' has no sign; write '+5 %'"),
        ("-101 %", "would be below zero"),
        (5, "expected '+5%'"),
        ("+5 Q", "'+5 Q' has an unknown unit"),
        ("5 Q", "'5 Q' has an unknown unit"),
        ("more", "expected '+5%', '1.05x' or '+1 M', not 'more'"),
    ],
)
def test_a_change_that_could_mean_two_things_is_refused(value, complaint):
    with pytest.raises(UnitError) as caught:
        change(value, COUNT)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("value", ["1ms", "+1ms", "5", "+5", "+0 ms", "+1.05x"])
def test_an_offset_where_only_a_ratio_fits_is_refused_at_once(value):
    with pytest.raises(UnitError) as caught:
        change(value, None)
    assert str(caught.value) == f"{value!r} is not a ratio; expected '+5%' or '1.05x'"


@pytest.mark.parametrize("value", ["5", "+5"])
def test_a_change_of_a_factor_needs_a_unit(value):
    with pytest.raises(UnitError, match=r"has no unit; expected '\+5%', '1.05x' or '\+0.5x'"):
        change(value, Dimension.FACTOR)


@pytest.mark.parametrize("dimension", [None, COUNT, BYTES, Dimension.FACTOR])
def test_what_is_advised_is_accepted(dimension):
    with pytest.raises(UnitError) as caught:
        change("?", dimension)
    advised = re.findall("'([^']+)'", str(caught.value))[:-1]
    assert len(advised) == (2 if dimension is None else 3)
    for text in advised:
        assert change(text, dimension) != Change()


@given(
    st.integers(0, 10**9), st.sampled_from([(d, u) for d, units in UNITS.items() for u in units])
)
def test_every_unit_is_a_multiple_of_the_base_unit(number, dimension_and_unit):
    dimension, unit = dimension_and_unit
    if not unit and dimension is TIME:
        return
    expected = number * (UNITS[dimension][unit] or 1)
    assert amount(f"{number} {unit}", dimension) == expected


@given(st.integers(0, 10**12), st.integers(-100, 1000))
def test_a_change_of_p_percent_is_exact(baseline, percent):
    limit = change(f"{percent:+d} %", COUNT).limit(Fraction(baseline))
    assert limit * 100 == baseline * (100 + percent)
