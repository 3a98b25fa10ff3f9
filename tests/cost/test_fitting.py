"""Fitting of counted figures: periods, small sizes, refusals."""

from functools import cache
from math import prod

import pytest

from sepcost.cost.fitting import fit, start
from sepcost.errors import BindingError


def fitted(symbols, count):
    """Fit what ``count`` returns for sizes given by keyword; None: the model refuses them."""

    @cache
    def counted(place):
        found = count(**dict(zip(symbols, place, strict=True)))
        return None if found is None else {("layer", name): value for name, value in found.items()}

    def sample(sizes):
        return counted(tuple(sizes[symbol] for symbol in symbols))

    base = start(symbols, sample)
    assert base is not None
    return fit(symbols, base, sample)


def terms(found, name="macs"):
    return found.polynomials["layer", name].terms


def reason(found, name="macs"):
    assert ("layer", name) not in found.polynomials
    return found.reasons["layer", name]


def test_a_product_of_sizes():
    found = fitted(("n", "h"), lambda n, h: {"macs": 7 * n * h * h + 3, "params": 5})
    assert [(each.symbol, each.period, each.least) for each in found.classes] == [
        ("n", 1, 1), ("h", 1, 1)
    ]  # fmt: skip
    assert terms(found) == {(1, 2): 7, (0, 0): 3}
    assert terms(found, "params") == {(0, 0): 5}
    assert (found.fitted, found.reasons) == (6, {})


@pytest.mark.parametrize(("stride", "period"), [(1, 1), (2, 2), (3, 3), (32, 32), (160, 160)])
def test_a_stride_makes_a_period(stride, period):
    found = fitted(("h",), lambda h: {"macs": 4 * (h // stride)})
    assert (found.classes[0].period, found.classes[0].least) == (period, period)
    assert found.polynomials["layer", "macs"].at({"h": 96 * stride}) == 4 * 96


def test_periods_of_several_layers_are_joined():
    found = fitted(("h",), lambda h: {"macs": h // 4, "params": h // 3})
    assert found.classes[0].period == 12
    assert not found.reasons


def test_special_cases_of_small_sizes_are_left_out():
    found = fitted(("n",), lambda n: {"macs": 5 * n if n >= 6 else 1})
    assert terms(found) == {(1,): 5}
    assert found.classes[0].least == 8  # the first doubling from which it holds


def test_a_period_that_is_not_tried_is_refused_with_the_place():
    found = fitted(("n",), lambda n: {"macs": n // 7, "params": n})
    assert reason(found).startswith("no polynomial of n: at n=")
    assert terms(found, "params") == {(1,): 1}


def test_it_says_how_far_it_looked():
    found = fitted(("n",), lambda n: {"macs": max(1_000_000, n)})
    assert terms(found) == {(0,): 1_000_000}  # verified is not proven
    assert 500 < found.classes[0].most < 1_000_000


def test_what_depends_on_both_sizes_at_once_is_refused():
    found = fitted(("h", "w"), lambda h, w: {"macs": min(h, w), "params": 1})
    assert "polynomial" in reason(found)


def test_a_count_that_disappears_is_refused():
    found = fitted(("n",), lambda n: {"macs": n} if n < 100 else {})
    assert reason(found).startswith("not counted at n=")


def test_sizes_that_the_model_refuses_are_no_evidence():
    found = fitted(("n",), lambda n: {"macs": 3 * n} if n <= 500 else None)
    assert terms(found) == {(1,): 3}
    assert found.verified < 24


def test_a_model_that_takes_few_sizes_has_no_polynomial():
    found = fitted(("n",), lambda n: {"macs": n} if n == 64 else None)
    assert reason(found) == "the model takes too few sizes of n to tell"


def test_too_many_symbols_are_refused():
    symbols = tuple("abcde")
    with pytest.raises(BindingError, match=r"1,024 sizes to count; leave fewer free than a, b, c"):
        fitted(symbols, lambda **sizes: {"macs": prod(size**3 for size in sizes.values())})


def test_a_model_that_takes_no_size_has_no_start():
    assert start(("n",), lambda sizes: None) is None
