"""Depthwise layers outside the blocked layout: ONNX Runtime's optimised graph is the witness."""

import platform
import random

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

import sepcost
from sepcost.cost.blocked import outside
from sepcost.latency.advice import X86

SIZE = 12


def build(path, channels, kernel, group=None, dtype=np.float32, kind="weights"):
    """One depthwise convolution named ``slow``; its weight stored, computed or fed."""
    shape, space = (channels, channels // (group or channels), *kernel), (SIZE,) * len(kernel)
    weight = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = [helper.make_tensor_value_info("x", element, (1, channels, *space))]
    stored, nodes = [numpy_helper.from_array(weight, "w")], []
    if kind == "fed":
        inputs, stored = [*inputs, helper.make_tensor_value_info("w", element, shape)], []
    if kind == "dequantised":
        stored = [
            numpy_helper.from_array((weight * 9).astype(np.int8), "q"),
            numpy_helper.from_array(np.array(0.1, np.float32), "scale"),
        ]
        nodes = [helper.make_node("DequantizeLinear", ["q", "scale"], ["w"])]
    conv = helper.make_node("Conv", ["x", "w"], ["y"], "slow", group=group or channels)
    output = helper.make_tensor_value_info("y", element, None)
    graph = helper.make_graph([*nodes, conv], "g", inputs, [output], stored)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def lines(path):
    return sepcost.analyze(path).advice


def in_blocks(path):
    """Whether ONNX Runtime moves the convolution to its blocked layout."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(path.with_suffix(".optimised"))
    ort.InferenceSession(path, options, ["CPUExecutionProvider"])
    nodes = onnx.load(options.optimized_model_filepath).graph.node
    return any((n.domain, n.op_type) == ("com.microsoft.nchwc", "Conv") for n in nodes)


@pytest.mark.skipif(platform.machine() not in X86, reason="the layout of x86-64")
@pytest.mark.parametrize("kernel", [(1,), (3,), (9,), (1, 1), (3, 3), (1, 7), (5, 1)])
def test_depthwise_layers_leave_the_layout_as_onnx_runtime_says(tmp_path, kernel):
    for channels in (2, 4, 6, *random.Random(0).sample(range(8, 70), 4), 64):
        path = build(tmp_path / "m.onnx", channels, kernel)
        assert bool(lines(path)) is not in_blocks(path), channels


def test_each_reason_is_one_line_with_the_number_of_layers_and_the_first(tmp_path):
    (line,) = lines(build(tmp_path / "flat.onnx", 8, (3,)))
    assert line.startswith("1 depthwise convolution in 1-D")
    assert line.endswith(": 'slow'")
    assert "Unsqueeze" in line
    (line,) = lines(build(tmp_path / "uneven.onnx", 6, (3, 3)))
    assert "not a multiple of 4" in line
    assert "zeros" in line
    assert len(lines(build(tmp_path / "both.onnx", 6, (3,)))) == 2


def test_many_layers_share_a_line():
    found = sepcost.analyze("mobilenet-v1", alpha=0.3)
    convs = [row.convolution for row in found.rows if row.convolution]
    wide = [conv.out_channels for conv in convs if conv.group > 1]
    (each,) = outside(found.network, found.rows)
    assert len(each.layers) == sum(channels % 4 != 0 for channels in wide) > 3
    assert f"and {len(each.layers) - 3} more" in each.line()


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": np.float16}, {"dtype": np.float64}, {"kind": "fed"}, {"kind": "dequantised"},
        {"group": 2}, {"group": 1}, {"kernel": (3, 3, 3)},
    ],
)  # fmt: skip
def test_layers_that_the_remedies_would_not_bring_back_are_not_named(tmp_path, changes):
    settings = {"kernel": (3, 3)} | changes
    assert not lines(build(tmp_path / "m.onnx", 6, **settings))
    if len(settings["kernel"]) == 2:
        assert not lines(build(tmp_path / "m.onnx", 6, **settings | {"kernel": (3,)}))


def test_the_remedies_are_exact_and_bring_the_layers_back(tmp_path):
    path = build(tmp_path / "before.onnx", 6, (3,))
    model = onnx.load(path)
    (weight,) = map(numpy_helper.to_array, model.graph.initializer)
    x = np.random.default_rng(1).standard_normal((1, 6, SIZE)).astype(np.float32)
    (wanted,) = ort.InferenceSession(path).run(None, {"x": x})
    after = build(tmp_path / "after.onnx", 8, (1, 3))
    model = onnx.load(after)
    filled = np.pad(weight, [(0, 2), (0, 0), (0, 0)])[:, :, None]
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(filled, "w"))
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 1
    onnx.save(model, after)
    padded = np.pad(x, [(0, 0), (0, 2), (0, 0)])[:, :, None]
    (found,) = ort.InferenceSession(after).run(None, {"x": padded})
    np.testing.assert_allclose(found[:, :6, 0], wanted, rtol=1e-5, atol=1e-6)
    assert not lines(after)
