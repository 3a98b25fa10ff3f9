"""Changes between two networks, and their costs."""

from dataclasses import replace

import pytest

import sepcost
from sepcost.cost.diff import COSTS, Kind, diff
from tests.report.samples import analysis, conv_row, plain_row, unknown_row


def kinds(found):
    return [(change.kind.value, change.row.layer.name) for change in found.changes]


def test_a_network_does_not_differ_from_itself():
    one = analysis(conv_row("a", "a_out"), plain_row())
    found = diff(one, one)
    assert (found.changes, found.unchanged, found.renamed) == ((), 2, 0)


def test_added_removed_and_changed_in_the_order_of_execution():
    old = analysis(conv_row("a", "a_out"), plain_row("gone", "gone_out"), plain_row("r", "r_out"))
    new = analysis(
        conv_row("a", "a_out", macs=1), plain_row("r", "r_out"), plain_row("s", "s_out", "Tanh")
    )
    found = diff(old, new)
    assert kinds(found) == [("changed", "a"), ("removed", "gone"), ("added", "s")]
    assert (found.changes[0].delta("macs"), found.changes[1].delta("macs")) == (1 - 18432, 0)


def test_a_change_says_what_changed():
    old, new = analysis(conv_row()), analysis(conv_row(macs=1, weight_bytes=2304))
    (change,) = diff(old, new).changes
    assert [(d.what, d.old, d.new) for d in change.differences] == [
        ("macs", 18432, 1), ("weight_bytes", 4608, 2304)
    ]  # fmt: skip


def test_an_unknown_shape_is_not_zero_and_an_input_left_out_is_neither():
    def clip(shape, *reads):
        row = plain_row("clip", "y", "Clip")
        layer = replace(
            row.layer, inputs=(shape, (0,)), outputs=(shape,), reads=reads, writes=("y",)
        )
        return analysis(replace(row, layer=layer))

    (change,) = diff(clip((0,), "x", "low"), clip((1, 4), "x", "")).changes
    assert [(d.what, d.old, d.new) for d in change.differences] == [
        ("input", "unknown", (1, 4)), ("input 1", "unknown", None), ("output", "unknown", (1, 4)),
    ]  # fmt: skip


def test_new_names_alone_are_not_a_change():
    found = diff(analysis(conv_row("a", "a_out")), analysis(conv_row("b", "b_out")))
    assert (found.changes, found.unchanged, found.renamed) == ((), 1, 1)


def test_uncounted_layers_have_no_delta():
    found = diff(analysis(), analysis(unknown_row()))
    assert found.changes[0].delta("macs") is None
    assert not found.exact


def test_a_row_outside_the_totals_adds_nothing():
    found = diff(analysis(), analysis(conv_row(counted=False)))
    assert found.changes[0].delta("macs") == 0


PAIRS = [("mobilenet-v1", "vgg16"), ("resnet-18", "resnet-50"), ("mobilenet-v1", "mobilenet-v2")]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_changes_sum_to_the_difference_of_the_totals(old, new):
    found = sepcost.diff(old, new)
    for cost in set(COSTS) - {"bytes_moved"}:
        before, after = found.total(cost)
        assert sum(change.delta(cost) or 0 for change in found.changes) == after - before


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_every_layer_of_both_sides_appears_once(old, new):
    found = sepcost.diff(old, new)
    counts = {kind: sum(change.kind is kind for change in found.changes) for kind in Kind}
    kept = found.unchanged + counts[Kind.CHANGED]
    assert kept + counts[Kind.REMOVED] == len(found.old.rows)
    assert kept + counts[Kind.ADDED] == len(found.new.rows)


def test_a_thinner_network_is_changed_in_every_layer_and_nothing_is_added():
    thin = sepcost.analyze("mobilenet-v1", alpha=0.5)
    found = sepcost.diff("mobilenet-v1", thin)
    assert {change.kind for change in found.changes} == {Kind.CHANGED}
    old, new = found.total("macs")  # Howard et al. 2017, table 6: 569 M and 149 M
    assert (round(old / 1e6), round(new / 1e6, 1)) == (569, 149.5)
