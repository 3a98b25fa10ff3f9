"""The Netron attachment: figures on every node that has any."""

import json

from tests.report.render import render
from tests.report.samples import analysis, conv_row, plain_row


def figures(*rows):
    document = json.loads(render("analyze", "netron", [analysis(*rows)]))
    assert document["signature"] == "netron:attachment"
    return {(m["kind"], m["target"], m["name"]): m["value"] for m in document["metrics"]}


def test_a_node_is_found_by_its_name():
    found = figures(conv_row("conv1"))
    assert found["node", "conv1", "macs"] == 18432
    assert found["node", "conv1", "params"] == 1152
    assert found["node", "conv1", "separable_ratio"] == 3200 / 18432


def test_the_model_carries_the_totals():
    found = figures(conv_row("a", "1"), conv_row("b", "2"))
    assert found["model", "", "macs"] == 2 * 18432


def test_nodes_without_a_name_of_their_own_are_found_by_their_output():
    found = figures(conv_row("", "1"), conv_row("twin", "2"), conv_row("twin\nx", "3", macs=5))
    assert [found["value", id_, "macs"] for id_ in "123"] == [18432, 18432, 5]


def test_a_node_that_costs_nothing_has_no_figures():
    assert not [key for key in figures(plain_row()) if key[0] == "node"]
