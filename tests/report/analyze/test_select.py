"""Which rows are shown, and in which order."""

import pytest

from sepcost.report.analyze.select import KINDS, ROW_KEYS, matching, select
from tests.report.samples import analysis, conv_row, plain_row, unknown_row

SMALL = conv_row("b_small", "1", macs=10, params=900)
LARGE = conv_row("a_large", "2", macs=1000, params=9)
RELU = plain_row("c_relu", "3")
WHAT = unknown_row()
NETWORK = analysis(SMALL, LARGE, RELU, WHAT)


def names(rows):
    return [row.layer.name for row in rows]


def test_everything_in_order_unless_asked_otherwise():
    assert select(NETWORK) == NETWORK.rows


def test_unknown_rows_sort_as_the_most_expensive():
    assert names(select(NETWORK, sort="macs")) == ["mystery", "a_large", "b_small", "c_relu"]


def test_text_sorts_from_a_to_z():
    assert names(select(NETWORK, sort="name")) == ["a_large", "b_small", "c_relu", "mystery"]


def test_the_top_rows_by_macs_stay_in_order():
    assert names(select(NETWORK, top=3)) == ["b_small", "a_large", "mystery"]


def test_the_top_rows_by_what_they_are_sorted_by():
    assert names(select(NETWORK, sort="params", top=1)) == ["b_small"]


@pytest.mark.parametrize(
    ("only", "kept"),
    [
        ("a_*", ["a_large"]),
        ("A_*", []),
        ("[12]", ["b_small", "a_large"]),
        ("conv", ["b_small", "a_large"]),
        ("RELU", ["c_relu"]),
        ("*YST*", ["mystery"]),
        ("*m*", ["b_small", "mystery"]),
        ("unknown", ["mystery"]),
        ("free", ["c_relu"]),
        ("depthwise", []),
        ("eligible", ["b_small", "a_large"]),
        ("nothing", []),
    ],
)
def test_only(only, kept):
    assert names(matching(NETWORK.rows, [only])) == kept


def test_only_given_twice_shows_what_either_matches():
    assert names(matching(NETWORK.rows, ["a_large", "relu"])) == ["a_large", "c_relu"]
    assert matching(NETWORK.rows, ()) == NETWORK.rows


@pytest.mark.parametrize("sort", ["order", *ROW_KEYS])
def test_every_order_loses_no_row(sort):
    assert sorted(names(select(NETWORK, sort=sort))) == sorted(names(NETWORK.rows))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_choice_among_the_rows(kind):
    assert set(names(matching(NETWORK.rows, [kind]))) <= set(names(NETWORK.rows))
