"""Dense layers, worked by hand, and the rank below which two of them are cheaper."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost.count import count
from sepcost.cost.dense import Dense, as_convolution, dense, low_rank
from sepcost.cost.results import LowRank
from sepcost.network import Layer
from tests.cost.build import layer, network, node, table, value

SIZES = st.integers(1, 9)


def of_left(op_type, inputs, outputs, **attributes):
    """A layer whose first input is the weight."""
    return replace(layer(op_type, inputs, outputs, **attributes), weights=frozenset({0}))


def dense_of(made: Layer) -> Dense:
    found = dense(made)
    assert found is not None
    return found


def low_rank_of(made: Layer) -> LowRank:
    found = low_rank(made)
    assert found is not None
    return found


def test_the_first_dense_layer_of_vgg_breaks_even_at_rank_3521():
    found = low_rank_of(layer("Gemm", [(1, 25088), (4096, 25088), (4096,)], [(1, 4096)], transB=1))
    assert found == LowRank(25088, 4096, 25088 * 4096 / (25088 + 4096))
    assert found.largest_rank == 3521


@given(SIZES, SIZES)
def test_the_largest_rank_is_the_last_that_saves(inputs, outputs):
    found = low_rank_of(layer("MatMul", [(3, inputs), (inputs, outputs)], [(3, outputs)]))
    for rank in range(1, 12):
        saves = rank * (inputs + outputs) < inputs * outputs
        assert saves == (rank <= found.largest_rank) == (rank < found.break_even_rank)
    assert found.largest_rank == ceil(found.break_even_rank) - 1


@given(SIZES, SIZES, SIZES, st.booleans(), st.booleans(), st.sampled_from([0, 1]))
def test_where_a_gemm_has_its_matrix_and_its_channels(m, n, p, turn_a, turn_b, weight):
    shapes = [(p, m)[:: -1 if turn_a else 1], (m, n)[:: -1 if turn_b else 1]]
    make = layer if weight else of_left
    found = dense_of(make("Gemm", shapes, [(p, n)], transA=int(turn_a), transB=int(turn_b)))
    inputs, outputs = (m, n) if weight else (m, p)
    assert (found.weight, found.data, found.inputs, found.outputs) == (
        weight, 1 - weight, inputs, outputs,
    )  # fmt: skip
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape) for shape in shapes]
    result = (arrays[0].T if turn_a else arrays[0]) @ (arrays[1].T if turn_b else arrays[1])
    matrix = arrays[weight] if found.turned else arrays[weight].T
    channels = np.moveaxis(arrays[found.data], found.axis, 0)
    assert np.allclose(matrix @ channels, np.moveaxis(result, found.out_axis, 0))


@pytest.mark.parametrize(
    ("data", "weight", "output", "axes", "positions"),
    [
        ((2, 5, 3), (3, 4), (2, 5, 4), (-1, -1), 10),
        ((3,), (3, 4), (4,), (-1, -1), 1),
        ((3, 7), (3, 4), (7, 4), (-1, -1), 7),
    ],
)
def test_a_matmul_with_the_matrix_on_the_right(data, weight, output, axes, positions):
    made = layer("MatMul", [data, weight], [output])
    found = dense_of(made)
    assert (found.turned, found.axis, found.out_axis) == (False, *axes)
    shape = as_convolution(made)
    assert shape is not None
    assert (shape.kernel, shape.in_channels, shape.out_channels) == ((), 3, 4)
    assert shape.positions == shape.pointwise_positions == positions


@pytest.mark.parametrize(
    ("data", "output", "axes"),
    [((2, 3, 7), (2, 4, 7), (-2, -2)), ((3,), (4,), (-1, -1)), ((3, 7), (4, 7), (-2, -2))],
)
def test_a_matmul_with_the_matrix_on_the_left(data, output, axes):
    found = dense_of(of_left("MatMul", [(4, 3), data], [output]))
    assert (found.turned, found.axis, found.out_axis) == (True, *axes)
    assert (found.inputs, found.outputs) == (3, 4)


@pytest.mark.parametrize(
    "other",
    [
        layer("MatMul", [(2, 5, 3), (2, 3, 4)], [(2, 5, 4)]),  # one matrix for each item
        layer("MatMul", [(5, 3), (3,)], [(5,)]),
        layer("Conv", [(1, 3, 4, 4), (8, 3, 1, 1)], [(1, 8, 4, 4)]),
        layer("Gemm", [(1, 3), (3, 4)], [(1, 4)], domain="com.acme"),
    ],
)
def test_other_layers_are_not_dense(other):
    assert dense(other) is None
    assert low_rank(other) is None
    assert as_convolution(other) is None


def test_products_of_two_activations_are_not_dense():
    made = layer("MatMul", [(5, 3), (3, 4)], [(5, 4)])
    assert dense(replace(made, weights=frozenset())) is None


def test_a_row_has_its_low_rank_counterpart_and_the_totals_do_not_change():
    values = table(x=(2, 64), w=(64, 32), y=(2, 32))
    values["x"] = value("x", (2, 64))
    found = count(network(values, [node(values, "MatMul", "x w", "y")], "y"), "m.onnx")
    (row,) = found.rows
    assert row.low_rank == LowRank(64, 32, 64 * 32 / 96)
    assert row.separable is None
    assert found.totals.separable_macs == found.totals.macs == 2 * 64 * 32
    entry = found.entry()["layers"][0]
    assert entry["low_rank"] == {"inputs": 64, "outputs": 32, "break_even_rank": 64 * 32 / 96}
    assert found.to_records()[0]["low_rank_break_even"] == 64 * 32 / 96
