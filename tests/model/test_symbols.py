"""Sizes that are derived from symbols."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.model.symbols import is_product, names, size, solve

BOUND = {"s0": 7, "s1": 3, "past": 16, "seq": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*s0", 14),
        ("s0 + s1", 10),
        ("past + 1", 17),
        ("-1 + s0", 6),
        ("s0//2", 3),
        ("(s0 - 1)//2 + 1", 4),
        ("s0**2", 49),
        ("s0 % s1", 1),
        ("Mod(s0, 4)", 3),
        ("Max(1, s0 - 9)", 1),
        ("Min(s0, s1)", 3),
        ("FloorDiv(s0, 2)", 3),
        ("CeilDiv(s0, 2)", 4),
        ("floor(s0/2 - 1/2) + 1", 4),
        ("ceiling(s0/2)", 4),
        ("2*past*(seq + 1)", 96),
    ],
)
def test_a_size_by_its_symbols(text, expected):
    assert size(text, BOUND) == expected
    assert names(text) <= BOUND.keys()
    assert names(text)


@pytest.mark.parametrize(
    "text",
    ["s0/2", "s0 - 8", "2*s9", "s0/0", "s0 % 0", "s0**99", "(2**8)**8*s0**8*s0**8", "7", "2 + 3"],
)
def test_values_that_are_not_sizes(text):
    assert size(text, BOUND) is None


@pytest.mark.parametrize(
    "text",
    [
        "N", "", "batch.size", "2x", "2(s0)", "s0(2)", "print(s0)", "s0 and s1", "s0[0]", "'s0'",
        "lambda: s0", "s0 if s1 else 2", "a, b", "f(x=s0)", "__import__(s0)", "0.5*s0", "s0 << 2",
        "(" * 200 + "s0" + ")" * 200, "é²", "s0 +", "Max(*s0)", "1 is s0", "s0\n+1\x00",
    ],
)  # fmt: skip
def test_other_text_is_a_plain_symbol(text):
    assert names(text) == frozenset()
    assert size(text, {**BOUND, text: 5}) == 5


def test_a_hyphen_may_be_part_of_a_name():
    assert names("batch-size") == {"batch", "size"}
    assert not is_product("batch-size")
    assert is_product("2*batch-size")


@pytest.mark.parametrize(
    ("text", "wanted", "name", "found"),
    [
        ("2*n", 8, "n", 4),
        ("n + 1", 1, "n", 0),
        ("s0*n - 2", 12, "n", 2),
        ("2*n", 7, "n", None),
        ("n//2", 4, "n", None),
        ("n**2", 16, "n", None),
        ("Max(n, 3)", 8, "n", 8),
        ("Min(n, 3)", 3, "n", None),
        ("n + m", 8, "n", None),
    ],
)
def test_a_symbol_by_a_size(text, wanted, name, found):
    assert solve(text, wanted, name, BOUND) == found


@given(st.text(alphabet="ns01 2+-*/%(),MaxFlor_.", max_size=40))
def test_any_text_is_a_symbol_or_an_expression(text):
    found = names(text)
    result = size(text, dict.fromkeys(found, 3))
    assert result is None or result >= 0
