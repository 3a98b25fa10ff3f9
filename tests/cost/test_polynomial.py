"""Interpolation gives back every polynomial whose values it gets."""

from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost.polynomial import Polynomial, interpolate
from sepcost.report.symbolic.words import spelled

SYMBOLS = ("N", "H", "W")
POWERS: st.SearchStrategy[tuple[int, ...]] = st.tuples(
    st.integers(0, 1), st.integers(0, 2), st.integers(0, 2)
)
WHOLE = st.integers(-(10**12), 10**12).filter(bool).map(Fraction)
POLYNOMIALS = st.lists(st.tuples(POWERS, WHOLE), max_size=6).map(
    lambda terms: Polynomial(SYMBOLS, dict(terms))
)
SIZES = st.fixed_dictionaries({symbol: st.integers(1, 10**6) for symbol in SYMBOLS})


def through(polynomial, axes):
    places = product(*(range(len(axis)) for axis in axes))
    values = {
        place: int(polynomial.at({s: a[i] for s, a, i in zip(SYMBOLS, axes, place, strict=True)}))
        for place in places
    }
    return interpolate(SYMBOLS, axes, values)


@given(POLYNOMIALS, st.integers(1, 64), st.integers(1, 512))
def test_it_gives_back_the_polynomial(polynomial, step, first):
    axes = [range(first, first + step * n, step) for n in (2, 3, 3)]
    assert through(polynomial, axes) == polynomial


@given(POLYNOMIALS, SIZES)
def test_what_is_written_has_the_same_value(polynomial, sizes):
    text = spelled(polynomial).replace(",", "").replace("·", "*").replace("²", "**2")
    assert eval(text, {}, sizes) == polynomial.at(sizes)


def test_fractions_stay_exact():
    # 3·H²/4 is whole for even H, which are the only sizes seen
    found = interpolate(("H",), [(2, 4, 6)], {(0,): 3, (1,): 12, (2,): 27})
    assert found.terms == {(2,): Fraction(3, 4)}
    assert found.at({"H": 100}) == 7500


def test_without_symbols_it_is_a_constant():
    found = interpolate((), [], {(): 7})
    assert found.at({}) == 7


def test_shared_factors_are_written_in_front():
    symbols = ("N", "H", "W")
    terms: dict[tuple[int, ...], Fraction] = {
        (1, 1, 1): Fraction(3456),
        (1, 0, 0): Fraction(1200),
        (1, 2, 0): Fraction(-1, 4),
    }
    assert spelled(Polynomial(symbols, terms)) == "N·(- 1/4·H² + 3,456·H·W + 1,200)"
    assert spelled(Polynomial(symbols, {(1, 0, 0): Fraction(1)})) == "N"
    assert spelled(Polynomial(symbols, {(0, 0, 0): Fraction(1)})) == "1"
    assert spelled(Polynomial(symbols, {})) == "0"
