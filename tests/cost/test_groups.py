"""Groups sum to the totals, even if they share weights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost.count import count
from sepcost.cost.groups import groups
from tests.cost.build import network, node, table

VALUES = table(
    x=(1, 8, 6, 6), w=(16, 8, 3, 3), w2=(16, 1, 3, 3), w3=(4, 16, 1, 1), w4=(4, 2, 2, 2),
    a=(1, 16, 4, 4), b=(1, 16, 2, 2), d=(1, 4, 2, 2), e=(1, 2, 3, 3),
    f=(1, 2, 3, 3), g=(1, 2, 3, 3),
)  # fmt: skip

LAYERS = [
    node(VALUES, "Conv", "x w", "a", name="/stem/conv/Conv"),
    node(VALUES, "Conv", "a w2", "b", name="/body/0/conv/Conv", group=16),
    node(VALUES, "Conv", "b w3", "d", name="/body/1/conv/Conv"),
    node(VALUES, "ConvTranspose", "d w4", "e", name="up", scope="decoder"),
    node(VALUES, "Relu", "e", "f"),
    node(VALUES, "MyOp", "f", "g", domain="com.acme", name="mine"),
]
FOUND = count(network(VALUES, LAYERS, "g"), "net")


@pytest.mark.parametrize("by", ["op", "scope", "kernel"])
@given(depth=st.none() | st.integers(1, 4))
def test_groups_sum_to_the_totals(by, depth):
    found = groups(FOUND, by, depth)
    totals = FOUND.totals
    for name in ("macs", "params", "elementwise_ops", "separable_macs"):
        assert sum(getattr(group, name) for group in found) == getattr(totals, name)
    assert sum(group.layers for group in found) == len(FOUND.rows)
    assert [group.macs for group in found] == sorted((g.macs for g in found), reverse=True)


def test_by_op():
    assert {group.key: group.layers for group in groups(FOUND, "op")} == {
        "Conv": 3,
        "ConvTranspose": 1,
        "Relu": 1,
        "com.acme::MyOp": 1,
    }
    assert [group.key for group in groups(FOUND, "op") if not group.complete] == ["com.acme::MyOp"]


def test_by_kernel():
    keys = {group.key for group in groups(FOUND, "kernel")}
    assert keys == {"3x3", "3x3 depthwise", "1x1", "2x2 transposed", "no MACs", "MyOp"}


def test_by_scope_to_a_depth():
    assert {group.key for group in groups(FOUND, "scope", 1)} == {"stem", "body", "decoder", "/"}
    assert "body/0/conv" in {group.key for group in groups(FOUND, "scope")}


def test_an_unknown_grouping_is_refused():
    with pytest.raises(ValueError, match="op, scope, kernel"):
        groups(FOUND, "colour")
