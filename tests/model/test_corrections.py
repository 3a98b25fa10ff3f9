"""Shapes that ONNX's own inference gets wrong, against what ONNX Runtime's run returns."""

from itertools import product

import numpy as np
import pytest

from sepcost.errors import ModelError
from tests.model.build import layers, network, one_node, run

X = ((1, 2, 7, 6), np.float32)

#: MaxPool and its kin at the opsets between which their definitions change.
POOLS = [("MaxPool", 10), ("MaxPool", 12), ("MaxPool", 22), ("AveragePool", 10),
         ("AveragePool", 19), ("AveragePool", 22), ("LpPool", 18), ("LpPool", 22)]  # fmt: skip


def shape(model):
    (layer,) = network(model).layers
    return layer.outputs[0]


def agree(op_type, given, opset=17, **attributes):
    domain = attributes.pop("domain", "")
    model, feeds = one_node(op_type, given, 1, domain=domain, opset=opset, **attributes)
    assert shape(model) == run(model, feeds)[0].shape, attributes


@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize(("op_type", "opset"), POOLS)
def test_windows_of_a_pool(op_type, opset, ceil_mode):
    for kernel, stride, begin, end in product((1, 2, 3), (1, 2, 3), (0, 1, 2), (0, 1, 2)):
        if max(begin, end) < kernel:
            agree(op_type, [X], opset, ceil_mode=ceil_mode, kernel_shape=[kernel, 3],
                  strides=[stride, 2], pads=[begin, end, end, begin])  # fmt: skip


@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize("mode", ["VALID", "SAME_UPPER", "SAME_LOWER", ""])
@pytest.mark.parametrize(("op_type", "opset"), [pool for pool in POOLS if pool[1] > 10])
def test_windows_that_auto_pad_places(op_type, opset, mode, ceil_mode):
    for kernel, stride, dilation in product((1, 2, 3), (1, 2, 3), (1, 2)):
        agree(op_type, [X], opset, auto_pad=mode, ceil_mode=ceil_mode, kernel_shape=[kernel, 2],
              strides=[stride, 1], dilations=[dilation, 1])  # fmt: skip


@pytest.mark.parametrize("mode", ["VALID", "SAME_UPPER", "SAME_LOWER", ""])
def test_transposed_convolutions(mode):
    w = ((2, 3, 3, 2), np.float32)
    for stride, dilation, padding in product((1, 2, 3), (1, 2), (0, 1)):
        if padding < stride:
            agree("ConvTranspose", [X, w], auto_pad=mode, strides=[stride, 1],
                  dilations=[dilation, 1], output_padding=[padding, 0])  # fmt: skip


@pytest.mark.parametrize("last", [0, 1])
def test_windows_of_quantised_pools(last):
    scalar, zero = ((), np.float32), ((), np.uint8)
    x = ((1, 7, 6, 2) if last else (1, 2, 7, 6), np.uint8)
    agree("QLinearAveragePool", [x, scalar, zero, scalar, zero], domain="com.microsoft",
          ceil_mode=1, kernel_shape=[2, 2], strides=[2, 2], pads=[1] * 4,
          channels_last=last)  # fmt: skip
    agree("NhwcMaxPool", [((1, 7, 6, 2), np.uint8)], domain="com.microsoft",
          ceil_mode=1, kernel_shape=[2, 2], strides=[2, 2], pads=[1] * 4)  # fmt: skip


def test_the_indices_of_the_largest_are_shaped_as_they_are():
    attributes = {"ceil_mode": 1, "kernel_shape": [2, 2], "strides": [2, 2], "pads": [1] * 4}
    model, feeds = one_node("MaxPool", [X], 2, domain="", opset=12, **attributes)
    (layer,) = network(model).layers
    assert list(layer.outputs) == [found.shape for found in run(model, feeds)]
    assert layer.outputs[1] == (1, 2, 4, 4)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "Conv"])
def test_a_word_that_auto_pad_does_not_know_is_refused(op):
    second = ", w" if op == "Conv" else ""
    text = f"""g (float[1, 3, 8, 8] x, float[4, 3, 2, 2] w) => (y) {{
        [n] y = {op} <kernel_shape = [2, 2], auto_pad = "SIDEWAYS"> (x{second})
    }}"""
    with pytest.raises(ModelError, match="'n': auto_pad 'SIDEWAYS' is not one of NOTSET, VALID"):
        network(text)


STFT = """g (float[1, 64, 1] x) => (y) <int64 step = {{8}}, int64 length = {{16}}> {{
    y = STFT {attribute} (x, step, , length)
}}"""


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [("", (1, 7, 9, 2)), ("<onesided = 1>", (1, 7, 9, 2)), ("<onesided = 0>", (1, 7, 16, 2))],
)
def test_a_spectrum_is_onesided_by_default(attribute, expected):
    (found,) = layers(STFT.format(attribute=attribute)).values()
    assert found.outputs == (expected,)


def test_onnx_runtime_defaults_to_one_side_too():
    number = ((), np.int64)
    inputs = [((1, 64, 1), np.float32), number, None, number]
    model, feeds = one_node("STFT", inputs, 1, domain="")
    feeds |= {"x1": np.array(8), "x3": np.array(16)}
    assert run(model, feeds)[0].shape == (1, 7, 9, 2)
