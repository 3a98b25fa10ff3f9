"""The texts of options."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.cli import parse
from sepcost.errors import BindingError


def test_no_binding_is_one_analysis():
    assert parse.sweep([]) == ({},)


def test_a_sweep_is_every_combination():
    assert parse.sweep(["N=1,2", "H=8"]) == ({"N": 1, "H": 8}, {"N": 2, "H": 8})


def test_spaces_around_a_size_are_ignored():
    assert parse.sweep([" N= 1,2 \x1c"]) == ({" N": 1}, {" N": 2})


def test_a_symbol_may_contain_an_equals_sign():
    assert parse.sweep(["a=b=3"]) == ({"a=b": 3},)


def test_shapes_and_trips():
    assert parse.shapes(["x=1x3×8,8", "s="]) == {"x": (1, 3, 8, 8), "s": ()}
    assert parse.trips(["loop=0"]) == {"loop": 0}


@pytest.mark.parametrize("given", ["N", "=1", "N=", "N=-1", "N=1.5", "N=0", "N=1,,2", "N=٣"])
def test_invalid_bindings(given):
    with pytest.raises(BindingError, match="--bind"):
        parse.sweep([given])


@pytest.mark.parametrize(
    ("read", "given", "line"),
    [
        (parse.sweep, "N=2,H=64", "--bind 'N=2,H=64': one name per --bind: --bind N=2 --bind H=64"),
        (
            parse.trips,
            "a=2,b=3",
            "--trips 'a=2,b=3': one name per --trips: --trips a=2 --trips b=3",
        ),
        (parse.shapes, "x=1x3,y=2", "one name per --shape: --shape x=1x3 --shape y=2"),
    ],
)
def test_several_names_in_one_option_are_taken_apart(read, given, line):
    with pytest.raises(BindingError, match=re.escape(line)):
        read([given])


def test_a_sweep_is_limited():
    with pytest.raises(BindingError, match="1000 combinations"):
        parse.sweep([f"{name}={','.join(map(str, range(1, 12)))}" for name in "ABC"])


@given(st.text(), st.sampled_from([parse.sweep, parse.shapes, parse.trips]))
def test_any_text_is_accepted_or_refused(text, read):
    try:
        found = read([text])
    except BindingError:
        return
    assert len(found) == 1
