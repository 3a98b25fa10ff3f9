"""Bytes moved, activations and their peak, on small graphs worked by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost.memory import (
    RooflineBound,
    activation_bytes,
    bytes_moved,
    live_bytes,
    peak_activation_bytes,
    roofline_bound,
)
from sepcost.network import Role
from tests.cost.build import network, node, size, table, value


def moved(values, op_type, reads, writes):
    return bytes_moved(node(values, op_type, reads, writes), network(values, []))


def test_each_distinct_value_moves_once():
    values = table(x=(4, 8), w=(8, 2), y=(4, 2), z=(4, 8))
    assert moved(values, "MatMul", "x w", "y") == size(4, 8) + size(8, 2) + size(4, 2)
    assert moved(values, "Add", "x x", "z") == size(4, 8) * 2


def test_views_and_constants_move_nothing():
    values = table(x=(4, 8), c=(2,), y=(8, 4))
    assert moved(values, "Reshape", "x c", "y") == 0
    assert moved(values, "Dropout", "x", "y") == 0
    assert moved(values, "Constant", "", "c") == 0


def test_picking_reads_only_what_it_writes():
    values = table(x=(1000, 8), c=(3,), y=(3, 8), shape=(2,))
    assert moved(values, "Gather", "x c", "y") == 2 * size(3, 8) + size(3)
    assert moved(values, "Shape", "x", "shape") == size(2)


def test_sub_byte_types_are_packed():
    values = table(x=(1, 64), y=(1, 10)) | {"w": value("w", (64, 10), Role.WEIGHT, "int4")}
    assert moved(values, "MatMul", "x w", "y") == size(64) + 320 + size(10)


def test_an_unknown_size_makes_the_sum_unknown():
    values = table(x=(2, 2), y=None)
    found = node(values, "Relu", "x", "y")
    assert bytes_moved(found, network(values, [])) is None
    assert activation_bytes(found, network(values, [])) is None


def test_activations_are_what_a_layer_writes_and_views_write_none():
    values = table(x=(2, 2), y=(2, 2), c=(1,))
    net = network(values, [])
    assert activation_bytes(node(values, "Relu", "x", "y"), net) == 16
    assert activation_bytes(node(values, "Identity", "x", "y"), net) == 0
    assert activation_bytes(node(values, "Cast", "y", "c"), net) == 0


def test_the_peak_of_a_chain_is_its_largest_neighbours():
    values = table(x=(10,), a=(40,), b=(30,), y=(5,))
    layers = [
        node(values, "Op", "x", "a"),
        node(values, "Op", "a", "b"),
        node(values, "Op", "b", "y"),
    ]
    assert peak_activation_bytes(network(values, layers, "y")) == size(70)


def test_a_skip_keeps_its_value_alive():
    values = table(x=(10,), a=(10,), b=(40,), d=(10,), y=(10,))
    layers = [
        node(values, "Op", "x", "a"),
        node(values, "Op", "a", "b"),
        node(values, "Op", "b", "d"),
        node(values, "Add", "a d", "y"),
    ]
    assert peak_activation_bytes(network(values, layers, "y")) == size(10 + 40 + 10)


def test_inputs_live_to_their_last_use_and_outputs_to_the_end():
    values = table(x=(10,), x2=(7,), a=(3,), b=(20,), y=(1,))
    layers = [
        node(values, "Op", "x", "a"),
        node(values, "Op", "a", "b"),
        node(values, "Op", "b x2", "y"),
    ]
    # while b is written: a, b and x2, which is used later
    assert peak_activation_bytes(network(values, layers, "y")) == size(3 + 20 + 7)
    # a is a graph output, so it is alive when y is written
    assert peak_activation_bytes(network(values, layers, "y a")) == size(3 + 20 + 7 + 1)


def test_a_view_shares_memory_and_prolongs_its_source():
    values = table(x=(8,), a=(8,), flat=(8,), b=(20,), y=(8,))
    layers = [
        node(values, "Op", "x", "a"),
        node(values, "Flatten", "a", "flat"),
        node(values, "Op", "a", "b"),
        node(values, "Add", "b flat", "y"),
    ]
    assert peak_activation_bytes(network(values, layers, "y")) == size(8 + 20 + 8)


def test_weights_and_values_of_unknown_size_are_not_in_the_peak():
    values = table(x=(8,), w=(1000,), y=(8,), q=None)
    layers = [node(values, "Op", "x w", "y"), node(values, "Op", "y", "q")]
    assert peak_activation_bytes(network(values, layers, "q")) == size(16)


def test_branches_follow_each_other_and_the_larger_sets_the_peak():
    values = table(x=(1,), a=(50,), a2=(1,), b=(90,), b2=(1,), y=(1,))
    layers = [
        node(values, "Op", "x", "a", branches="if.then"),
        node(values, "Op", "a", "a2", branches="if.then"),
        node(values, "Op", "x", "b", branches="if.else"),
        node(values, "Op", "b", "b2", branches="if.else"),
        node(values, "If", "x", "y"),
    ]
    assert peak_activation_bytes(network(values, layers, "y")) == size(1 + 90 + 1)
    # with only one branch, x is dead when a2 is written
    assert peak_activation_bytes(network(values, layers, "y"), layers[:2]) == size(50 + 1)


def test_an_empty_network_needs_nothing():
    assert live_bytes(network({}, [])) == [0]
    assert peak_activation_bytes(network({}, [])) == 0


def test_live_bytes_at_the_start_and_at_each_step():
    values = table(x=(1,), a=(10,), b=(100,), y=(1000,))
    layers = [
        node(values, "Op", "x", "a"),
        node(values, "Op", "a", "b"),
        node(values, "Op", "a b", "y"),
    ]
    steps = [size(1), size(1 + 10), size(10 + 100), size(10 + 100 + 1000)]
    assert live_bytes(network(values, layers, "y")) == steps


@given(st.lists(st.integers(1, 50), min_size=2, max_size=12))
def test_the_peak_of_any_chain(sizes):
    values = table(x0=(sizes[0],)) | {
        f"v{i}": value(f"v{i}", (length,)) for i, length in enumerate(sizes) if i
    }
    names = list(values)
    layers = [node(values, "Op", one, other) for one, other in pairwise(names)]
    largest = max(one + other for one, other in pairwise(sizes))
    assert peak_activation_bytes(network(values, layers, names[-1])) == size(largest)


@pytest.mark.parametrize(
    ("macs", "moved_bytes", "bound"),
    [(1000, 100, RooflineBound(20.0, "compute")), (100, 1000, RooflineBound(100.0, "memory"))],
)
def test_roofline(macs, moved_bytes, bound):
    assert roofline_bound(macs, moved_bytes, 50.0, 10.0) == bound
