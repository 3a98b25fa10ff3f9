"""Models as ONNX Runtime writes them once optimised: channels last, or in padded blocks."""

from math import prod

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper

from sepcost.cost.count import count
from sepcost.network import ABSENT
from tests.model.build import model, network

#: 20 channels are no whole number of blocks, whether a block is 8 or 16.
FLOAT = """g (float[1, 3, 12, 12] x) => (y, t)
    <float[20, 3, 3, 3] v, float[20, 1, 3, 3] d, float[24, 20, 3, 3] w,
     float[4] scales = {1, 1, 2, 2}> {
    a = Conv <pads = [1, 1, 1, 1]> (x, v)
    b = Relu (a)
    c = MaxPool <kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1> (b)
    e = Conv <group = 20, pads = [1, 1, 1, 1]> (c, d)
    h = Conv (e, w)
    u = Resize <coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (h, , scales)
    t = Transpose <perm = [0, 2, 3, 1]> (u)
    y = GlobalAveragePool (h)
}"""

QUANTISED = """g (uint8[1, 3, 12, 12] x) => (y)
    <uint8[20, 3, 3, 3] v, uint8[20, 1, 3, 3] d, uint8[24, 20, 3, 3] w, int32[24] bias,
     float s = {1}, uint8 z = {0}> {
    a = QLinearConv <pads = [1, 1, 1, 1]> (x, s, z, v, s, z, s, z)
    c = MaxPool <kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1> (a)
    e = QLinearConv <group = 20, pads = [1, 1, 1, 1]> (c, s, z, d, s, z, s, z)
    f = com.microsoft.QLinearAveragePool <kernel_shape = [2, 2]> (e, s, z, s, z)
    h = QLinearConv <strides = [2, 2]> (f, s, z, w, s, z, s, z, bias)
    y = com.microsoft.QLinearGlobalAveragePool <channels_last = 0> (h, s, z, s, z)
}"""


def written(text, folder):
    """Return the model of the text, and how ONNX Runtime saves it once optimised."""
    plain = model(text)
    for tensor in plain.graph.initializer:
        if not tensor.raw_data and prod(tensor.dims) > 4:
            kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
            tensor.raw_data = np.ones(tuple(tensor.dims), kind).tobytes()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    ort.InferenceSession(plain.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return plain, onnx.load(folder / "optimised.onnx")


def domains(found):
    return {layer.domain for layer in found.layers}


@pytest.mark.parametrize("text", [FLOAT, QUANTISED])
def test_every_shape_follows(text, tmp_path):
    plain, optimised = (network(proto) for proto in written(text, tmp_path))
    shapes = [[found.values[name].shape for name in found.outputs] for found in (plain, optimised)]
    assert shapes[0] == shapes[1]
    assert ABSENT not in [shape for layer in optimised.layers for shape in layer.outputs]
    assert not any(layer.missing for layer in optimised.layers)


def test_a_quantised_model_costs_as_much_once_optimised(tmp_path):
    plain, optimised = (count(network(each), "m") for each in written(QUANTISED, tmp_path))
    convolutions = [row for row in optimised.rows if row.convolution]
    assert {row.layer.domain for row in convolutions} == {"com.microsoft"}
    assert {row.layer.attributes["channels_last"] for row in convolutions} == {1}
    for name in ("macs", "params", "weight_bytes", "separable_macs", "separable_params"):
        assert getattr(optimised.totals, name) == getattr(plain.totals, name), name
    # 12x12 positions, 7x7 after the pool with its padding, 2x2 after the next and a stride
    assert plain.totals.macs == 20 * 144 * 27 + 20 * 49 * 9 + 24 * 4 * 180


def test_blocks_of_channels_are_cut_where_they_end(tmp_path):
    found = network(written(FLOAT, tmp_path)[1])
    if "com.microsoft.nchwc" not in domains(found):
        pytest.skip("ONNX Runtime keeps no blocks on this machine")
    cut = [layer for layer in found.layers if layer.op_type == "ReorderOutput"]
    assert {layer.attributes["channels"] for layer in cut} == {20, 24}
    for layer in cut:
        axis = -1 if layer.attributes["channels_last"] else 1
        assert layer.outputs[0][axis] == layer.attributes["channels"]
        assert layer.outputs[0][axis] < layer.inputs[0][1]
