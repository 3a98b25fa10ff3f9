"""Ranges of sizes: how they are read, their points, their extremes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sepcost
from sepcost.cost.ranges import COSTS, MOST_POINTS, Extent, extents, points, read_range
from sepcost.errors import BindingError
from tests.cli import models

NUMBERS = st.integers(0, 20)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("1:3", [1, 2, 3]),
        ("224:288:32", [224, 256, 288]),
        ("1:8:3", [1, 4, 7]),
        ("5:5", [5]),
        (" 2:3 ", [2, 3]),
    ],
)
def test_a_range_includes_its_end_if_a_step_meets_it(text, sizes):
    assert list(read_range(text)) == sizes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *((text, "FIRST:LAST[:STEP], such as 224:640:32")
          for text in ("", ":", "1:", ":2", "1:2:3:4", "1:b", "-1:2")),
        ("2:1", "the range is empty: FIRST must be at least 1 and at most LAST"),
        ("0:3", "FIRST must be at least 1"),
        ("1:9:0", "STEP must be at least 1"),
    ],
)  # fmt: skip
def test_other_texts_are_refused(text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        read_range(text)


def test_the_points_are_all_combinations():
    assert points({"N": range(1, 3), "C": 8, "H": range(4, 9, 4)}) == (
        {"N": 1, "C": 8, "H": 4},
        {"N": 1, "C": 8, "H": 8},
        {"N": 2, "C": 8, "H": 4},
        {"N": 2, "C": 8, "H": 8},
    )
    assert points({}) == ({},)


def test_too_many_points_are_refused_with_the_remedy():
    assert len(points({"N": range(1, MOST_POINTS + 1)})) == MOST_POINTS
    with pytest.raises(BindingError, match=r"1,001 sizes to count.*give a larger step"):
        points({"N": range(1, MOST_POINTS + 2)})


@given(st.lists(NUMBERS, min_size=1))
def test_the_extremes_are_those_of_the_list_at_their_first_place(values):
    found = extents(({"N": at}, {"macs": value}) for at, value in enumerate(values))
    assert found == {
        "macs": Extent(
            min(values), {"N": values.index(min(values))},
            max(values), {"N": values.index(max(values))},
        )
    }  # fmt: skip


def test_every_total_at_every_size_is_what_analyze_counts(tmp_path):
    path = models.dynamic(tmp_path)
    found = sepcost.cost_range(path, {"N": range(1, 6, 2)})
    each = [sepcost.analyze(path, bind={"N": size}).totals for size in (1, 3, 5)]
    assert (found.points, found.ranges, found.bindings) == (3, {"N": range(1, 6, 2)}, {})
    for cost in COSTS:
        values = [getattr(totals, cost) for totals in each]
        assert (found.costs[cost].least, found.costs[cost].most) == (min(values), max(values))


def test_a_cost_that_shrinks_with_the_size_has_its_most_in_the_middle(tmp_path):
    # the rows from 1 to 6 - N: of N=1, 2, 3, 4 there are 0, 1, 2, 1
    path = models.save(
        tmp_path,
        """g (float[N, 4] x) => (float[k, 2] y)
        <float[4, 2] w = {1, 1, 1, 1, 1, 1, 1, 1}, int64[1] one = {1}, int64[1] six = {6},
         int64[1] zero = {0}>
        {
          s = Shape <start = 0, end = 1> (x)  stop = Sub (six, s)
          part = Slice (x, one, stop, zero)  y = MatMul (part, w)
        }""",
    )
    found = sepcost.cost_range(path, {"N": range(1, 5)}).costs["macs"]
    assert (found.least, found.least_at) == (0, {"N": 1})
    assert (found.most, found.most_at) == (16, {"N": 3})
