"""From a network to an analysis: rows, totals, coverage, warnings."""

from dataclasses import replace
from typing import Any

import pytest

from sepcost.cost.count import count
from sepcost.cost.groups import groups
from sepcost.cost.operators import OPERATORS
from sepcost.cost.results import Conventions, CountStatus, Coverage
from sepcost.network import Network, Value
from tests.cost.build import network, node, table, value

CONV = table(x=(1, 8, 6, 6), w=(16, 8, 3, 3), wb=(16,), y=(1, 16, 4, 4), z=(1, 16, 4, 4))


def small(**rest: Any) -> Network:
    layers = [node(CONV, "Conv", "x w wb", "y"), node(CONV, "Relu", "y", "z")]
    return network(CONV, layers, "z", **rest)


def test_rows_and_totals_of_a_small_network():
    found = count(small(), "net.onnx")
    conv, relu = found.rows
    assert (conv.macs, conv.params, conv.elementwise_ops) == (16 * 16 * 72, 16 * 72 + 16, 256)
    assert (relu.macs, relu.params, relu.elementwise_ops) == (0, 0, 256)
    assert conv.weight_bytes == found.totals.weight_bytes == 4 * (16 * 72 + 16)
    assert conv.activation_bytes == 4 * 256
    assert conv.bytes_moved == 4 * (288 + 16 * 72 + 16 + 256)
    assert conv.intensity == 2 * 16 * 16 * 72 / conv.bytes_moved
    assert found.totals.macs == 16 * 16 * 72
    assert found.totals.flops == 2 * found.totals.macs
    assert found.totals.peak_activation_bytes == 4 * (288 + 256)
    assert found.totals.separable_macs == 16 * (72 + 128)
    assert found.totals.separable_params == 72 + 128 + 16
    assert found.totals.reduction == pytest.approx(72 * 16 / (72 + 128))
    assert found.coverage == Coverage(counted=1, free=1, unknown=0, unresolved=0)
    assert found.warnings == ()


def test_an_empty_network_costs_nothing():
    found = count(network({}, []), "empty")
    assert (found.totals.macs, found.totals.reduction, found.coverage.complete) == (0, 1.0, True)


def test_trips_multiply_work_and_not_params():
    layers = [node(CONV, "Conv", "x w wb", "y", trips=5)]
    found = count(network(CONV, layers, "y"), "loop")
    (row,) = found.rows
    assert row.separable is not None
    assert row.macs == 5 * 16 * 16 * 72
    assert row.elementwise_ops == 5 * 256
    assert row.separable.macs == 5 * 16 * (72 + 128)
    assert row.separable.ratio == pytest.approx(200 / 1152)
    assert row.params == 16 * 72 + 16
    assert found.totals.peak_activation_bytes == 4 * (288 + 256)


def test_unknown_trips_are_unresolved_and_say_what_to_give():
    found = count(network(CONV, [node(CONV, "Conv", "x w", "y", trips=None)], "y"), "loop")
    (row,) = found.rows
    assert (row.status, row.macs, row.bytes_moved) == (CountStatus.UNRESOLVED, None, None)
    assert not found.coverage.complete
    assert any("lower bounds" in line and "--trips" in line for line in found.warnings)


def test_no_trips_cost_nothing():
    found = count(network(CONV, [node(CONV, "Conv", "x w", "y", trips=0)], "y"), "loop")
    assert found.totals.macs == 0


def test_a_shared_weight_counts_once_in_the_first_row():
    values = table(x=(1, 8, 6), w=(8, 8, 3), y=(1, 8, 6), z=(1, 8, 6))
    layers = [
        node(values, "Conv", "x w", "y", pads=(1, 1)),
        node(values, "Conv", "y w", "z", pads=(1, 1)),
    ]
    found = count(network(values, layers, "z"), "shared")
    assert [row.params for row in found.rows] == [192, 0]
    assert found.totals.params == 192
    assert found.totals.separable_params == 3 * 8 + 64
    assert [row.separable.params for row in found.rows if row.separable] == [88, 0]


def test_a_weight_that_another_row_needs_is_kept_besides_its_counterpart():
    values = table(x=(1, 8, 6), w=(8, 8, 3), y=(1, 8, 4), z=(8, 8, 3))
    layers = [node(values, "Conv", "x w", "y"), node(values, "Relu", "w", "z")]
    found = count(network(values, layers, "y z"), "kept")
    assert found.totals.separable_params == 192 + (3 * 8 + 64)


def test_a_dequantised_weight_is_found_by_its_size():
    values = table(x=(1, 8, 6), w=(8, 8, 3), dequantised=(8, 8, 3), y=(1, 8, 4))
    values["dequantised"] = value("dequantised", (8, 8, 3))
    conv = node(values, "Conv", "x dequantised", "y")
    conv = replace(conv, weights=frozenset({1}), parameters=("w",))
    found = count(network(values, [conv], "y"), "qdq")
    assert found.totals.params == 192
    assert found.totals.separable_params == 88


def branchy(choices: dict[str, str | None] | None = None) -> Network:
    values = table(x=(4, 4), w=(4, 4), w2=(4, 8), a=(4, 4), b=(4, 8), y=(4, 4), cond=())
    layers = [
        node(values, "MatMul", "x w", "a", branches="if.then"),
        node(values, "MatMul", "x w2", "b", branches="if.else"),
        node(values, "If", "cond", "y", name="if"),
    ]
    return network(values, layers, "y", choices=choices or {"if": None})


@pytest.mark.parametrize(
    ("convention", "macs", "params", "counted"),
    [
        ("max", 128, 48, [False, True, True]),
        ("sum", 192, 48, [True, True, True]),
        ("then", 64, 48, [True, False, True]),
        ("else", 128, 48, [False, True, True]),
    ],
)
def test_branches_count_by_convention_and_say_so(convention, macs, params, counted):
    found = count(branchy(), "if", None, Conventions(if_branches=convention))
    assert (found.totals.macs, found.totals.params) == (macs, params)
    assert [row.counted for row in found.rows] == counted
    assert found.totals.weight_bytes == 4 * params
    assert any("1 If" in line for line in found.warnings)


@pytest.mark.parametrize("choice", ["then", "else", None])
@pytest.mark.parametrize("by", ["op", "scope", "kernel"])
def test_groups_include_what_both_branches_store(by, choice):
    found = count(branchy({"if": choice}), "if")
    shares = groups(found, by)
    assert sum(group.params for group in shares) == found.totals.params == 48
    assert sum(group.macs for group in shares) == found.totals.macs
    assert sum(group.layers for group in shares) == 2  # the MatMul that counts, and the If


def test_separable_params_replace_the_weights_of_both_branches():
    values = table(x=(1, 8, 6, 6), w=(8, 8, 3, 3), w2=(8, 8, 3, 3), a=(1, 8, 4, 4), b=(1, 8, 4, 4))
    layers = [
        node(values, "Conv", "x w", "a", branches="if.then"),
        node(values, "Conv", "x w2", "b", branches="if.else"),
    ]
    found = count(network(values, layers, "b"), "if")
    assert found.totals.params == 2 * 576
    assert found.totals.separable_params == 2 * (72 + 64)
    assert found.totals.separable_macs == 16 * (72 + 64)


def test_a_weight_of_both_branches_counts_in_the_one_that_counts():
    values = table(x=(4, 4), x2=(8, 4), w=(4, 4), a=(4, 4), b=(8, 4))
    layers = [
        node(values, "MatMul", "x w", "a", branches="if.then"),
        node(values, "MatMul", "x2 w", "b", branches="if.else"),
    ]
    found = count(network(values, layers, "b"), "if")
    assert [row.counted for row in found.rows] == [False, True]
    assert [row.params for row in found.rows] == [0, 16]
    assert found.totals.params == 16


def test_a_known_condition_needs_no_warning():
    found = count(branchy({"if": "then"}), "if")
    assert (found.totals.macs, found.warnings) == (64, ())
    assert found.coverage == Coverage(counted=1, free=1, unknown=0, unresolved=0)
    assert [row.macs for row in found.rows] == [64, 128, 0]


def test_a_gap_in_the_cheaper_branch_makes_the_maximum_a_lower_bound():
    values = table(x=(4, 4), w=(4, 4), a=(4, 4), b=(4, 4), y=(4, 4))
    layers = [
        node(values, "MatMul", "x w", "a", branches="if.then"),
        node(values, "MyOp", "x", "b", domain="com.acme", branches="if.else"),
    ]
    net = network(values, layers, "y", choices={"if": None})
    assert not count(net, "if").coverage.complete
    assert count(net, "if", None, Conventions(if_branches="then")).coverage.complete


def test_unknown_operators_are_listed_and_users_can_add_them():
    values = table(x=(2, 3), y=(2, 3))
    net = network(values, [node(values, "MyOp", "x", "y", domain="com.acme")], "y")
    found = count(net, "custom")
    assert (found.rows[0].macs, found.totals.macs) == (None, 0)
    (line,) = found.warnings
    assert line == (
        "totals are lower bounds: 1 com.acme::MyOp not counted (no formula for this operator):"
        " 'MyOp_y'"
    )
    table_ = {**OPERATORS, ("com.acme", "MyOp"): lambda layer: 100}
    assert count(net, "custom", table_).totals.macs == 100


def test_names_are_quoted_in_warnings():
    values = table(x=(2,), y=(2,))
    net = network(values, [node(values, "MyOp", "x", "y", name="\x1b[31mred\n")], "y")
    (line,) = count(net, "x").warnings
    assert "\x1b" not in line
    assert "\n" not in line


def test_unused_weights_are_reported_but_not_counted():
    dead = value("w_dead", (10, 10))
    found = count(small(dead_weights=(dead,)), "dead")
    assert found.totals.params == 16 * 72 + 16
    assert any("w_dead" in line and "100 elements" in line for line in found.warnings)


def test_bias_as_macs_stays_with_the_separable_counterpart():
    found = count(small(), "bias", None, Conventions(count_bias=True))
    assert found.totals.macs == 16 * 16 * 72 + 256
    assert found.totals.separable_macs == 16 * (72 + 128) + 256
    assert found.rows[0].elementwise_ops == 0


def test_an_ineligible_convolution_keeps_its_macs_in_the_separable_network():
    values = table(x=(1, 8, 6), w=(16, 8, 1), y=(1, 16, 6))
    found = count(network(values, [node(values, "Conv", "x w", "y")], "y"), "pointwise")
    assert found.totals.separable_macs == found.totals.macs == 6 * 128
    assert found.totals.separable_params == found.totals.params


def test_work_grows_in_step_with_the_layers():
    """Each layer is counted once, and each value is read a bounded number of times."""
    lookups = []

    class Counting(dict[str, Value]):
        def get(self, key, default=None):
            lookups.append(key)
            return super().get(key, default)

    def looked_up(length):
        values = Counting({f"v{i}": value(f"v{i}", (4,)) for i in range(length + 1)})
        layers = [node(values, "Relu", f"v{i}", f"v{i + 1}") for i in range(length)]
        net = network(values, layers, f"v{length}")
        lookups.clear()
        counted = Network(net.name, net.layers, values, outputs=net.outputs)
        count(counted, "chain")
        return len(lookups)

    assert looked_up(400) - looked_up(200) == looked_up(600) - looked_up(400)
