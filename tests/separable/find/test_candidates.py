"""Every convolution is a candidate or skipped with a reason; weights are read on demand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from sepcost.errors import ConversionError, ModelError
from sepcost.model.load import Loaded
from sepcost.separable.find.candidates import bias, turned, weight
from tests.separable.build import conv, find, noise, parsed, saved


def reasons(model: onnx.ModelProto, folder: Path) -> list[str]:
    found = find(saved(model, folder))
    assert not found.eligible
    return [skip.reason for skip in found.skips]


def test_a_candidate_describes_its_convolution(tmp_path):
    loaded = saved(conv(noise(8, 4, 3, 3), noise(8), pads=[1] * 4), tmp_path)
    (candidate,) = find(loaded).eligible
    assert (candidate.id, candidate.name, candidate.op_type) == ("y", "c", "Conv")
    assert (candidate.weight, candidate.dtype, candidate.quantized) == ("w", "float32", False)
    assert candidate.has_bias
    assert np.array_equal(weight(candidate), noise(8, 4, 3, 3).astype(np.float64))
    assert np.array_equal(np.asarray(bias(candidate)), noise(8).astype(np.float64))


@pytest.mark.parametrize(
    ("shape", "options", "reason"),
    [
        ((8, 4, 1, 1), {}, "already pointwise"),
        ((4, 1, 3, 3), {"group": 4}, "already depthwise"),
        ((1, 4, 3, 3), {}, "one output channel"),
        ((8, 1, 3, 3), {"group": 4}, "already depthwise, 2 kernels per channel"),
    ],
)
def test_the_reasons_are_those_of_analyze(tmp_path, shape, options, reason):
    assert reasons(conv(noise(*shape), **options), tmp_path) == [reason]


def test_a_convolution_that_only_other_forms_make_cheaper_is_a_candidate(tmp_path):
    """2x2 with stride 2, transposed: the pointwise part runs at 4 times the positions."""
    loaded = saved(conv(noise(4, 8, 2, 2), op_type="ConvTranspose", strides=[2, 2]), tmp_path)
    assert [candidate.id for candidate in find(loaded).eligible] == ["y"]


def test_a_weight_that_callers_may_replace_is_left_alone(tmp_path):
    model = conv(noise(8, 4, 3, 3))
    model.graph.input.append(helper.make_tensor_value_info("w", 1, [8, 4, 3, 3]))
    (reason,) = reasons(model, tmp_path)
    assert reason == "its weight is also a graph input, so a caller may override it"


def test_a_weight_computed_at_run_time(tmp_path):
    model = conv(noise(8, 4, 3, 3))
    del model.graph.initializer[:]
    model.graph.input.append(helper.make_tensor_value_info("w", 1, [8, 4, 3, 3]))
    assert reasons(model, tmp_path) == ["weights computed at run time"]


def test_a_weight_of_an_unknown_operator(tmp_path):
    text = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
    g (float[1,4,8,8] x) => (float[1,6,6,6] y) { w = own.Quant (v)
      y = Conv <kernel_shape = [3, 3]> (x, w) }"""
    model = parsed(text, {"v": noise(6, 4, 3, 3)})
    model.graph.value_info.append(helper.make_tensor_value_info("w", 1, [6, 4, 3, 3]))
    assert reasons(model, tmp_path) == [
        "its weight is computed by Quant 'w', which is not plain arithmetic"
    ]


@pytest.mark.parametrize("op_type", ["ConvInteger", "QLinearConv"])
def test_integer_convolutions_are_skipped_with_a_reason(tmp_path, op_type):
    inputs = {"ConvInteger": "x, w", "QLinearConv": "x, s, z, w, s, z, s, z"}[op_type]
    kind = {"ConvInteger": "int32", "QLinearConv": "uint8"}[op_type]
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    g (uint8[1,4,8,8] x) => ({kind}[1,6,6,6] y) {{
      s = Constant <value = float {{0.1}}> ()
      z = Constant <value = uint8 {{3}}> ()
      y = {op_type} ({inputs})
    }}"""
    (reason,) = reasons(parsed(text, {"w": np.ones((6, 4, 3, 3), np.uint8)}), tmp_path)
    assert reason.startswith(f"{op_type} computes in integers")


def test_unknown_shapes_are_reported(tmp_path):
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[1,4,8,8] x, int64[4] s) => (float[a,b,c,d] y) { r = Reshape (x, s)
                                                              y = Conv (r, w) }"""
    (reason,) = reasons(parsed(text, {"w": noise(6, 4, 3, 3)}), tmp_path)
    assert "r has no static shape" in reason


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_weights_that_are_not_numbers_are_refused_by_name(tmp_path, value, word):
    kernel = noise(8, 4, 3, 3)
    kernel[3, 2, 1, 0] = value
    (candidate,) = find(saved(conv(kernel), tmp_path)).eligible
    with pytest.raises(ConversionError, match=f"tensor 'w' contains {word}"):
        weight(candidate)


def test_weights_stay_on_disk_until_asked_for(tmp_path):
    loaded = saved(conv(noise(64, 16, 3, 3)), tmp_path)
    (candidate,) = find(loaded).eligible
    moved = tmp_path / "elsewhere.onnx"
    (tmp_path / "model.onnx").rename(moved)
    with pytest.raises(ModelError, match="cannot read the data of tensor"):
        weight(candidate)
    moved.rename(tmp_path / "model.onnx")
    assert weight(candidate).shape == (64, 16, 3, 3)


def test_weights_stored_as_varying_length_numbers_are_read(tmp_path):
    """Half precision in int32_data, as old exporters write it, cannot be referenced."""
    kernel = noise(64, 16, 3, 3, dtype=np.float16)
    model = conv(kernel)
    del model.graph.initializer[:]
    bits = kernel.view(np.uint16).reshape(-1).tolist()
    tensor = onnx.TensorProto(name="w", data_type=10, dims=kernel.shape, int32_data=bits)
    model.graph.initializer.append(tensor)
    loaded = saved(model, tmp_path)
    assert not loaded.complete
    (candidate,) = find(loaded).eligible
    assert np.array_equal(weight(candidate), kernel.astype(np.float64))


def test_a_bias_that_is_computed_is_not_read(tmp_path):
    model = conv(noise(8, 4, 3, 3), noise(8))
    del model.graph.initializer[1:]
    model.graph.input.append(helper.make_tensor_value_info("b", 1, [8]))
    (candidate,) = find(saved(model, tmp_path)).eligible
    assert candidate.has_bias
    assert bias(candidate) is None


def test_a_spec_without_weights_is_refused():
    with pytest.raises(ModelError, match="built without weights"):
        find(Loaded("m", "m.toml", conv(noise(8, 4, 3, 3)), complete=False))


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_turning_a_kernel_twice_gives_it_back(group, inputs, outputs, dims):
    kernel = noise(group * outputs, inputs, *[2] * dims)
    once = turned(kernel, group)
    assert once.shape == (group * inputs, outputs, *[2] * dims)
    assert np.array_equal(turned(once, group), kernel)
    assert once[inputs * (group - 1), 0, 0].tolist() == kernel[-outputs, 0, 0].tolist()
