"""The geometry of convolutions, and those that cannot be."""

from typing import Any

import pytest

from sepcost.cost.analysis import Conventions
from sepcost.cost.geometry import check, convolution
from sepcost.errors import ModelError
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
    assert found.pads == (1, 1)  # (5 - 1) * 2 + 4 - 10 in all


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


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"strides": (0, 1)}, r"strides \[0, 1\] must all be at least 1"),
        ({"strides": (1, -2)}, "strides"),
        ({"dilations": (0, 0)}, "dilations"),
        ({"kernel_shape": (0, 3)}, "kernel_shape"),
        ({"kernel_shape": (5, 5)}, "does not match its weight"),
        ({"group": 0}, "group 0 must be at least 1"),
        ({"group": 4}, "6 output channels cannot be split into 4 groups"),
        ({"group": 2}, "has 4 channels, but weight"),
        ({"strides": (1,)}, "must hold 2 values"),
        ({"pads": (1, 1)}, "must hold 4 values"),
        ({"dilations": (5, 5)}, "spans 11 on axis 0, the padded input has 8"),
    ],
)
def test_impossible_attributes_are_refused_by_name(attributes, message):
    node = layer("Conv", [(1, 4, 8, 8), (6, 4, 3, 3)], [(1, 6, 6, 6)], **attributes)
    with pytest.raises(ModelError, match=f"Conv 'Conv': .*{message}"):
        check(node)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([(1, 5, 8, 8), (6, 4, 3, 3)], "its input has 5 channels"),
        ([(1, 4, 8), (6, 4, 3, 3)], "differ in rank"),
        ([(1, 4, 8, 8), (6, 4)], "no kernel"),
        ([(1, 4, 2, 8), (6, 4, 3, 3)], "kernel spans 3 on axis 0, the padded input has 2"),
    ],
)
def test_shapes_that_contradict_each_other_are_refused(inputs, message):
    with pytest.raises(ModelError, match=message):
        check(layer("Conv", inputs, [ABSENT]))


def test_a_transposed_convolution_is_checked_on_its_input_channels():
    good = layer("ConvTranspose", [(1, 4, 2), (4, 3, 5)], [(1, 6, 6)], group=2)
    check(good)
    with pytest.raises(ModelError, match="its input has 5 channels"):
        check(layer("ConvTranspose", [(1, 5, 2), (4, 3, 5)], [ABSENT], group=2))


@pytest.mark.parametrize(
    "node",
    [
        layer("Conv", [(1, 4, 2, 8), (6, 4, 3, 3)], [ABSENT], auto_pad="SAME_UPPER"),
        layer("Conv", [(1, 4, 1, 8), (6, 4, 3, 3)], [ABSENT], pads=(1, 0, 1, 0)),
        layer("Conv", [ABSENT, ABSENT], [ABSENT]),
        layer("NhwcConv", [(1, 8, 8, 4), (6, 4, 3, 3)], [ABSENT], "com.microsoft"),
        layer("Relu", [(1,)], [(1,)], group=0),
    ],
)
def test_what_can_be_passes(node):
    check(node)
