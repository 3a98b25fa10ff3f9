"""Impossible convolutions are refused by name, possible ones accepted."""

import pytest

from sepcost.cost.conv_checks import check
from sepcost.errors import ModelError
from sepcost.network import ABSENT
from tests.cost.build import layer


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
        ({"group": 2}, "has 4 channels, but its weight"),
        ({"strides": (1,)}, "must have 2 values"),
        ({"pads": (1, 1)}, "must have 4 values"),
        ({"auto_pad": "SIDEWAYS"}, "auto_pad 'SIDEWAYS' is not one of NOTSET, VALID, SAME_UPPER"),
        ({"dilations": (5, 5)}, "spans 11 on axis 0, but the padded input only 8"),
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
        ([(1, 4, 8, 8), (6, 4)], "has no spatial axes"),
        ([(1, 4, 2, 8), (6, 4, 3, 3)], "kernel spans 3 on axis 0, but the padded input only 2"),
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
def test_possible_convolutions_pass(node):
    check(node)
