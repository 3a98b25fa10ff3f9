"""The cost of a layer as a depthwise-separable convolution."""

import pytest

from sepcost.cost.geometry import convolution
from sepcost.cost.operators import OPERATORS
from sepcost.cost.results import Separable
from sepcost.cost.whatif import separable
from sepcost.network import Layer
from tests.cost.build import layer


def what_if(node: Layer, params: int = 0, bias: int = 0) -> Separable:
    found = convolution(node)
    assert found is not None
    macs = OPERATORS[node.domain, node.op_type](node) + bias
    return separable(node, found, macs, params, bias)


def test_table_3_of_the_paper():
    node = layer(
        "Conv", [(1, 512, 14, 14), (512, 512, 3, 3)], [(1, 512, 14, 14)], pads=(1, 1, 1, 1)
    )
    found = what_if(node, params=2_359_296)
    assert (found.eligible, found.reason) == (True, None)
    assert (found.macs, found.params) == (52_283_392, 266_752)
    assert found.ratio == pytest.approx(1 / 512 + 1 / 9)
    assert found.break_even_rank == pytest.approx(512 * 9 / 521)


def test_a_bias_stays_in_params_and_in_macs_if_counted():
    node = layer("Conv", [(1, 8, 6, 6), (16, 8, 3, 3), (16,)], [(1, 16, 4, 4)])
    plain, biased = what_if(node, 16 * 8 * 9 + 16), what_if(node, 16 * 8 * 9 + 16, bias=256)
    assert plain.params == 8 * 9 + 8 * 16 + 16
    assert biased.macs == (plain.macs or 0) + 256


def test_a_weight_counted_before_brings_no_params():
    node = layer("Conv", [(1, 8, 6, 6), (16, 8, 3, 3)], [(1, 16, 4, 4)])
    assert what_if(node, params=0).params == 0


def test_groups_stay_groups():
    node = layer("Conv", [(1, 32, 6, 6), (64, 8, 3, 3)], [(1, 64, 4, 4)], group=4)
    found = what_if(node, 64 * 8 * 9)
    assert found.macs == 16 * (9 * 32 + 32 * 64 // 4)
    assert found.params == 9 * 32 + 32 * 64 // 4
    assert found.break_even_rank == pytest.approx(16 * 9 / (16 + 9))


def test_transposed_spreads_each_channel_then_mixes_at_the_output():
    node = layer(
        "ConvTranspose", [(1, 32, 8, 8), (32, 16, 4, 4)], [(1, 16, 18, 18)], strides=(2, 2)
    )
    found = what_if(node, 32 * 16 * 16)
    assert found.macs == 64 * 16 * 32 + 18 * 18 * 32 * 16
    assert found.eligible


def test_quantised_and_strided_and_dilated():
    inputs = [(1, 16, 20, 20), (), (), (32, 16, 3, 3)]
    node = layer("QLinearConv", inputs, [(1, 32, 8, 8)], strides=(2, 2), dilations=(2, 2))
    assert what_if(node).macs == 64 * (9 * 16 + 16 * 32)


@pytest.mark.parametrize(
    ("weight", "group", "reason"),
    [
        ((8, 8, 1, 1), 1, "already pointwise"),
        ((8, 1, 3, 3), 8, "already depthwise"),
        ((16, 1, 3, 3), 8, "already depthwise, 2 kernels per channel"),
        ((1, 8, 3, 3), 1, "one output channel"),
        ((4, 2, 3, 3), 4, "one output channel per group"),
    ],
)
def test_reasons_for_ineligibility(weight, group, reason):
    outputs = [(1, weight[0], 4, 4)]
    found = what_if(layer("Conv", [(1, 8, 6, 6), weight], outputs, group=group))
    assert (found.eligible, found.reason) == (False, reason)
    assert (found.macs, found.params, found.ratio, found.break_even_rank) == (None,) * 4


def test_one_input_channel_is_depthwise_already():
    found = what_if(layer("Conv", [(1, 1, 6, 6), (8, 1, 3, 3)], [(1, 8, 4, 4)]))
    assert found.reason == "already depthwise: one input channel"


def test_weights_computed_at_run_time_cannot_be_replaced():
    node = layer("Conv", [(1, 8, 6, 6), (16, 8, 3, 3)], [(1, 16, 4, 4)])
    computed = Layer(
        node.id, node.name, "Conv", "", "", node.inputs, node.outputs, weights=frozenset({2})
    )
    assert what_if(computed).reason == "weights computed at run time"


def test_deformable_sampling_cannot_be_split():
    inputs = [(1, 8, 6, 6), (16, 8, 3, 3), (1, 18, 4, 4)]
    assert what_if(layer("DeformConv", inputs, [(1, 16, 4, 4)])).reason == "deformable sampling"


def test_not_profitable_keeps_its_figures():
    # two outputs, kernel 2: 1 / 2 + 1 / 2 of the regular cost
    found = what_if(layer("Conv", [(1, 8, 6), (2, 8, 2)], [(1, 2, 5)]))
    assert (found.eligible, found.reason) == (False, "not profitable")
    assert found.macs == 5 * (2 * 8 + 8 * 2)
    assert (found.ratio, found.break_even_rank) == (1.0, 1.0)


def test_unknown_macs_stay_unknown():
    node = layer("Conv", [(1, 8, 6, 6), (16, 8, 3, 3)], [(1, 16, 4, 4)])
    geometry = convolution(node)
    assert geometry is not None
    found = separable(node, geometry, None, 0)
    assert found.eligible
    assert found.macs is None


def test_macs_of_another_formula_are_not_turned_into_fewer():
    node = layer("Conv", [(1, 16, 6, 6), (16, 16, 3, 3)], [(1, 16, 4, 4)])
    found = convolution(node)
    assert found is not None
    for macs in (0, 1, 10**9):
        counted = separable(node, found, macs, 0)
        assert (counted.eligible, counted.reason) == (False, "counted by another formula")
        assert counted.macs is None


def test_channels_on_the_last_axis_are_the_output_channels():
    inputs = [(1, 10, 10, 4), (), (), (5, 4, 3, 3), (5,), (5,), (), ()]
    node = layer("QLinearConv", inputs, [(1, 8, 8, 5)], "com.microsoft", channels_last=1)
    assert OPERATORS["com.microsoft", "QLinearConv"](node) == 64 * 5 * 36
    assert what_if(node).macs == 64 * (9 * 4 + 4 * 5)
