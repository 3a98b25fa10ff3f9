"""The geometry of convolutions."""

from typing import Any

import pytest

from sepcost.cost.geometry import convolution
from sepcost.cost.results import Conventions
from sepcost.network import ABSENT
from tests.cost.build import layer
from tests.cost.witness import run


def test_defaults_follow_from_the_weight():
    found = convolution(layer("Conv", [(2, 6, 9, 9), (8, 3, 3, 5)], [(2, 8, 7, 5)], group=2))
    assert found is not None
    assert (found.kernel, found.strides, found.dilations) == ((3, 5), (1, 1), (1, 1))
    assert (found.pads, found.group) == ((0, 0, 0, 0), 2)
    assert (found.in_channels, found.out_channels) == (6, 8)
    assert found.positions == found.pointwise_positions == 2 * 7 * 5
    assert not found.transposed


def test_transposed_runs_its_depthwise_part_at_the_input():
    node = layer(
        "ConvTranspose", [(2, 6, 4), (6, 5, 3)], [(2, 10, 9)], group=2, strides=(2,), pads=(0, 0)
    )
    found = convolution(node)
    assert found is not None
    assert (found.in_channels, found.out_channels) == (6, 10)
    assert (found.positions, found.pointwise_positions) == (8, 18)
    at_output = convolution(node, Conventions(conv_transpose="output"))
    assert at_output is not None
    assert at_output.positions == 18


@pytest.mark.parametrize(
    ("op_type", "domain", "inputs", "output"),
    [
        ("QLinearConv", "", [(1, 4, 8, 8), (), (), (6, 4, 3, 3)], (1, 6, 6, 6)),
        ("ConvInteger", "", [(1, 4, 8, 8), (6, 4, 3, 3)], (1, 6, 6, 6)),
        ("DeformConv", "", [(1, 4, 8, 8), (6, 4, 3, 3), (1, 18, 6, 6)], (1, 6, 6, 6)),
        ("FusedConv", "com.microsoft", [(1, 4, 8, 8), (6, 4, 3, 3)], (1, 6, 6, 6)),
        ("NhwcConv", "com.microsoft", [(1, 8, 8, 4), (6, 4, 3, 3)], (1, 6, 6, 6)),
        ("NhwcFusedConv", "com.microsoft", [(1, 8, 8, 4), (6, 4, 3, 3)], (1, 6, 6, 6)),
    ],
)
def test_every_operator_that_convolves_has_the_same_geometry(op_type, domain, inputs, output):
    found = convolution(layer(op_type, inputs, [output], domain))
    assert found is not None
    assert (found.kernel, found.in_channels, found.out_channels) == ((3, 3), 4, 6)
    assert found.positions == 36


@pytest.mark.parametrize(
    ("mode", "size", "kernel", "stride", "dilation", "pads"),
    [
        ("SAME_UPPER", 7, 4, 1, 1, (1, 2)),
        ("SAME_LOWER", 7, 4, 1, 1, (2, 1)),
        ("SAME_UPPER", 8, 3, 2, 1, (0, 1)),
        ("SAME_LOWER", 8, 3, 2, 1, (1, 0)),
        ("SAME_UPPER", 8, 1, 2, 1, (0, 0)),
        ("VALID", 8, 3, 2, 1, (0, 0)),
    ],
)
def test_auto_pad_becomes_pads(mode, size, kernel, stride, dilation, pads):
    common: dict[str, Any] = {"strides": [stride], "dilations": [dilation]}
    shapes = [(1, 1, size), (1, 1, kernel)]
    padded, by_mode = run("Conv", shapes, auto_pad=mode, **common)
    found = convolution(padded)
    assert found is not None
    assert found.pads == pads
    _, by_pads = run("Conv", shapes, pads=list(pads), **common)
    assert by_mode[0].tolist() == by_pads[0].tolist()


def test_auto_pad_with_dilation_by_hand():
    node = layer("Conv", [(1, 1, 6), (1, 1, 4)], [(1, 1, 6)], auto_pad="SAME_UPPER", dilations=(3,))
    found = convolution(node)
    assert found is not None
    assert found.pads == (4, 5)  # a span of 10 over 6 positions


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
def test_auto_pad_of_a_transposed_convolution(mode):
    shapes = [(1, 1, 5), (1, 1, 4)]
    padded, by_mode = run("ConvTranspose", shapes, auto_pad=mode, strides=[1])
    found = convolution(padded)
    assert found is not None
    assert sum(found.pads) == 3
    _, by_pads = run("ConvTranspose", shapes, pads=list(found.pads), strides=[1])
    assert by_mode[0].tolist() == by_pads[0].tolist()


def test_output_shape_decides_the_pads_of_a_transposed_convolution():
    node = layer(
        "ConvTranspose", [(1, 1, 5), (1, 1, 4)], [(1, 1, 10)], strides=(2,), output_shape=(10,)
    )
    found = convolution(node)
    assert found is not None
    assert found.pads == (1, 1)  # (5 - 1) * 2 + 4 - 10 in total


@pytest.mark.parametrize(
    "node",
    [
        layer("Relu", [(1, 2)], [(1, 2)]),
        layer("Conv", [(1, 2, 5), (3, 2, 3)], [ABSENT]),
        layer("Conv", [ABSENT, (3, 2, 3)], [(1, 3, 3)]),
        layer("Conv", [(1, 2, 5, 5), (3, 2, 3)], [(1, 3, 3)]),
        layer("Conv", [(1, 2, 5)], [(1, 3, 3)]),
    ],
)
def test_no_geometry_without_shapes_that_fit(node):
    assert convolution(node) is None
