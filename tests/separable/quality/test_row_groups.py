"""Rows that a final Concat joins, found through what moves them afterwards."""

from __future__ import annotations

import pytest

from sepcost.model.describe import describe
from sepcost.separable.quality.row_groups import RowGroups, row_groups
from tests.separable.build import noise, parsed, saved

HEAD = """<ir_version: 9, opset_import: ["" : 17]>
g (float[2, 4, 10] b, float[2, 3, 10] s) => (float[{out}] y) {{"""


def groups(folder, out, body, **weights):
    return row_groups(describe(saved(parsed(HEAD.format(out=out) + body, weights), folder)))


@pytest.mark.parametrize(
    ("out", "body", "axis"),
    [
        ("2, 7, 10", "y = Concat <axis = 1> (b, s) }", 1),
        ("2, 7, 10", "c = Concat <axis = -2> (b, s) y = Sigmoid (c) }", 1),
        ("2, 10, 7", "c = Concat <axis = 1> (b, s) y = Transpose <perm = [0, 2, 1]> (c) }", 2),
    ],
)
def test_boxes_and_scores_are_told_apart(tmp_path, out, body, axis):
    assert groups(tmp_path, out, body) == {"y": RowGroups(axis, (4, 3))}


def test_levels_joined_along_the_positions_hide_nothing(tmp_path):
    """Each level joins boxes and scores; then the levels are joined."""
    body = """c = Concat <axis = 1> (b, s) l = Concat <axis = 2> (c, c)
    y = Transpose <perm = [0, 2, 1]> (l) }"""
    assert groups(tmp_path, "2, 20, 7", body) == {"y": RowGroups(2, (4, 3))}


def test_a_reshape_keeps_the_axis_that_it_leaves_alone(tmp_path):
    import numpy as np

    body = "c = Concat <axis = 1> (b, s) y = Reshape (c, shape) }"
    found = groups(tmp_path, "2, 7, 5, 2", body, shape=np.array([2, 7, 5, 2]))
    assert found == {"y": RowGroups(1, (4, 3))}


def test_concats_of_concats_give_all_groups(tmp_path):
    body = "c = Concat <axis = 1> (b, s) y = Concat <axis = 1> (c, s) }"
    assert groups(tmp_path, "2, 10, 10", body) == {"y": RowGroups(1, (4, 3, 3))}


@pytest.mark.parametrize(
    "body",
    [
        "y = Identity (b) }",
        "c = Concat <axis = 1> (b, s) y = MatMul (c, w) }",
    ],
)
def test_other_outputs_are_one_group(tmp_path, body):
    assert groups(tmp_path, "2, N, 10", body, w=noise(10, 10)) == {}
