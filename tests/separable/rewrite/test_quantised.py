"""Models whose weights are stored small or quantised stay so."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.routes.convert import convert
from sepcost.separable.factors.kernels import Form, factorize
from sepcost.separable.find.candidates import weight
from sepcost.separable.plan.layer_models import layer_model
from sepcost.separable.plan.menu import Option
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.separable.build import Chosen, find, noise, saved
from tests.separable.quantised import WIDTH, kernels, model, network

X = noise(4, WIDTH, 12, 12, seed=5)
SIZE: dict[str, Any] = {"bind": {"N": 4}}
RANKS = {Form.BLOCK_POINTWISE: 8, Form.DEPTHWISE_BOTTLENECK: 8, Form.BOTTLENECK: 8}


def error(a: Any, b: Any) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(a))


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("form", list(Form))
def test_every_part_runs_in_integers(tmp_path, form, group, dtype):
    """The witness is the profile.

    ONNX Runtime turns int8 into uint8, but not where several nodes read it: one branch only.
    """
    loaded = saved(network(1, dtype, group=group), tmp_path)
    (candidate,) = find(loaded, **SIZE).eligible
    rank = RANKS.get(form, 2 if dtype == "uint8" else 1)
    factors = factorize(weight(candidate), form, rank, group=group)
    for emitted in emit.applicable(factors):
        made = separate(loaded, [Chosen(candidate, factors, emitted)])
        onnx.checker.check_model(made.proto, full_check=True)
        ran = kernels(made.proto, {"x": X}, tmp_path)
        parts = sum(node.op_type == "Conv" for node in made.proto.graph.node)
        assert parts > 1
        assert ran["QLinearConv"] == parts
        assert not ran["Conv"] + ran["Add"] + ran["Concat"]
        types = {t.data_type for t in made.proto.graph.initializer if t.name.endswith("quantized")}
        assert types == {onnx.TensorProto.INT8, onnx.TensorProto.INT32}


def floats(proto):
    """The same network in float: each pair of QuantizeLinear and DequantizeLinear is left out."""
    stored = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    same: dict[str, str] = {}
    nodes = []
    for node in proto.graph.node:
        reads = [same.get(name, name) for name in node.input]
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            levels, scale = stored[node.input[0]].astype(float), stored[node.input[1]]
            wide = levels * scale.reshape(-1, *[1] * (levels.ndim - 1))
            stored[node.output[0]] = wide.astype(np.float32)
        elif node.op_type in {"QuantizeLinear", "DequantizeLinear"}:
            same[node.output[0]] = reads[0]
        else:
            nodes.append(helper.make_node(node.op_type, reads, node.output))
            nodes[-1].attribute.extend(node.attribute)
    nodes.append(helper.make_node("Identity", [same["y"]], ["y"]))
    return model(nodes, {k: a for k, a in stored.items() if a.dtype == np.float32})


@pytest.mark.parametrize("emitted", ["concat", "sum", "grouped"])
def test_little_is_lost_to_the_levels(tmp_path, emitted):
    """At full rank, with ranges that were observed: as near to the float network as before."""
    net, data = tmp_path / "model.onnx", tmp_path / "data.npz"
    loaded = saved(network(2), tmp_path)
    np.savez(data, x=noise(64, WIDTH, 12, 12, seed=6))
    settings = ConvertSettings(
        Goal(Aim.RANK, 0), calibrate=data, emit=emitted, verify=False, seed=1
    )
    convert(net, tmp_path / "out.onnx", force=True, settings=settings)
    exact = runner(saved(floats(loaded.proto), tmp_path, "float.onnx"), Runtime())({"x": X})[0]
    before = runner(loaded, Runtime())({"x": X})[0]
    out = onnx.load(tmp_path / "out.onnx")
    after = runner(saved(out, tmp_path, "again.onnx"), Runtime())({"x": X})[0]
    assert error(exact, after) < 2.5 * error(exact, before) + 0.005
    assert kernels(out, {"x": X}, tmp_path)["QLinearConv"] > 2


def test_a_part_per_part_at_rank_one(tmp_path):
    """Two convolutions in integers become four, without data too, and the note says how."""
    saved(network(2), tmp_path)
    settings = ConvertSettings(Goal(Aim.RANK, 1), latency_time_s=0.2)
    found = convert(
        tmp_path / "model.onnx", tmp_path / "out.onnx", force=True, settings=settings, **SIZE
    )
    ran = kernels(onnx.load(tmp_path / "out.onnx"), {"x": X}, tmp_path)
    assert ran["QLinearConv"] == 4
    assert not ran["Conv"]
    assert any("2 quantised convolutions: values between" in note for note in found.notes)
    assert found.after.totals.macs == found.plan.predicted.macs


def test_ranges_are_those_of_the_data(tmp_path):
    net, data = tmp_path / "model.onnx", tmp_path / "data.npz"
    saved(network(2), tmp_path)
    np.savez(data, x=noise(64, WIDTH, 12, 12, seed=6))
    settings = ConvertSettings(Goal(Aim.RANK, 1), calibrate=data, verify=False, tune=0)
    found = convert(net, tmp_path / "out.onnx", force=True, settings=settings)
    assert [sorted(one.ranges or ()) for one in found.plan.choices] == [["depthwise"]] * 2
    out = onnx.load(tmp_path / "out.onnx")
    stored = {t.name: numpy_helper.to_array(t) for t in out.graph.initializer}
    for choice in found.plan.choices:
        low, high = (choice.ranges or {})["depthwise"]
        assert stored[f"{choice.candidate.id}/depthwise/scale"] == pytest.approx(
            (high - low) / 255, rel=1e-5
        )
    assert not any("widest" in note for note in found.notes)


def test_symmetric_levels_stay_symmetric(tmp_path):
    loaded = saved(network(1, "int8"), tmp_path)
    (candidate,) = find(loaded, **SIZE).eligible
    factors = factorize(weight(candidate), Form.DEPTHWISE_POINTWISE, 1)
    choice = Chosen(candidate, factors, "sum", {"depthwise": (-1.0, 3.0)})
    tensors = separate(loaded, [choice]).proto.graph.initializer
    stored = {t.name: numpy_helper.to_array(t) for t in tensors}
    assert stored["c0/depthwise/zero_point"] == 0
    assert stored["c0/depthwise/scale"] == pytest.approx(3 / 127)


def test_weights_of_seven_bits_stay_within_them(tmp_path):
    proto = network(1)
    tensor = next(t for t in proto.graph.initializer if t.name == "w0")
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) // 2, "w0"))
    loaded = saved(proto, tmp_path)
    (candidate,) = find(loaded, **SIZE).eligible
    made = separate(loaded, [Chosen(candidate, factorize(weight(candidate), Form.BOTTLENECK, 8))])
    stored = {t.name: numpy_helper.to_array(t) for t in made.proto.graph.initializer}
    levels = [a for name, a in stored.items() if name.endswith("weight_quantized")]
    assert len(levels) == 2
    assert all(abs(a.astype(int)).max() == 64 for a in levels)


def test_the_layer_is_timed_in_integers(tmp_path):
    loaded = saved(network(1), tmp_path)
    described = describe(loaded, **SIZE)
    (candidate,) = find(loaded, **SIZE).eligible
    feeds = {"x": np.zeros((4, WIDTH, 12, 12), np.uint8)}
    for option, parts in ((None, 1), (Option(None, 0, 0), 2), (DEPTHWISE, 3)):
        path = layer_model(tmp_path / "layer.onnx", candidate, option, described).path
        ran = kernels(onnx.load(path), feeds, tmp_path)
        assert ran["QLinearConv"] == parts
        assert not ran["Conv"]


DEPTHWISE = Option(Form.DEPTHWISE_POINTWISE, 1, 0, "sum")


def refused(tmp_path, change):
    proto = network(1)
    change(proto.graph)
    (skip,) = find(saved(proto, tmp_path), **SIZE).skips
    return skip.reason


def per_channel(graph):
    """One scale per channel of the input."""
    scales: dict[str, Any] = {
        "step": np.full(WIDTH, 0.03, np.float32),
        "zero": np.full(WIDTH, 128, np.uint8),
    }
    for name, value in scales.items():
        old = next(t for t in graph.initializer if t.name == name)
        graph.initializer.remove(old)
        graph.initializer.append(numpy_helper.from_array(value, name))


def computed_scale(graph):
    """A scale that depends on the input."""
    largest = [
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Div", ["most", "levels"], ["scale"]),
    ]
    graph.initializer.append(numpy_helper.from_array(np.array(255, np.float32), "levels"))
    for node in graph.node:
        if node.output[0] in {"q", "x0"}:
            node.input[1] = "scale"
    for node in reversed(largest):
        graph.node.insert(0, node)


def computed_bias(graph):
    """A bias that depends on the input."""
    node = helper.make_node("ReduceMax", ["x", "axes"], ["most"], keepdims=0)
    graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3]), "axes"))
    next(n for n in graph.node if n.op_type == "Conv").input[2] = "most"
    graph.node.insert(0, node)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (per_channel, "one scale per channel"),
        (computed_scale, "the scale of its input is not constant"),
        (computed_bias, "its bias is not constant"),
    ],
)
def test_where_integers_cannot_stay_the_remedy_is_named(tmp_path, change, why):
    reason = refused(tmp_path, change)
    assert why in reason
    assert reason.endswith("convert the float model, then quantise")


STORED = ["float16", "bfloat16", "int4", "int8"]


def stored_as(dtype, opset=21):
    """A convolution in float whose weight is widened from ``dtype``."""
    kernel = noise(WIDTH, WIDTH, 3, 3) / 12
    number = getattr(onnx.TensorProto, dtype.upper())
    small = helper.tensor_dtype_to_np_dtype(number)
    if dtype.startswith("int"):
        most = {"int4": 7, "int8": 127}[dtype]
        scale = np.abs(kernel).max((1, 2, 3)) / most
        levels = np.rint(kernel / scale[:, None, None, None]).astype(small)
        widen = helper.make_node("DequantizeLinear", ["w", "s"], ["k"], axis=0)
        tensors = {"w": levels, "s": scale.astype(np.float32)}
    else:
        widen = helper.make_node("Cast", ["w"], ["k"], to=1)
        tensors = {"w": kernel.astype(small)}
    nodes = [widen, helper.make_node("Conv", ["x", "k"], ["y"], pads=[1] * 4)]
    return model(nodes, tensors, opset)


@pytest.mark.parametrize("dtype", STORED)
@pytest.mark.parametrize("form", list(Form))
def test_what_was_stored_small_stays_small(tmp_path, dtype, form):
    loaded = saved(stored_as(dtype), tmp_path)
    (candidate,) = find(loaded, **SIZE).eligible
    factors = factorize(weight(candidate), form, RANKS.get(form, 2))
    for emitted in emit.applicable(factors):
        made = separate(loaded, [Chosen(candidate, factors, emitted)])
        onnx.checker.check_model(made.proto, full_check=True)
        kept = [t for t in made.proto.graph.initializer if len(t.dims) > 1]
        assert {t.data_type for t in kept} == {getattr(onnx.TensorProto, dtype.upper())}
        plain = separate(loaded, [Chosen(replaced(candidate), factors, emitted)])
        got, exact = (runner(one, Runtime())({"x": X})[0] for one in (made, plain))
        assert error(exact, got) < {"int4": 0.9, "int8": 0.03}.get(dtype, 0.01)


def replaced(candidate):
    """The candidate as if its weight were stored as it is read."""
    from dataclasses import replace

    return replace(candidate, stored=None)


@pytest.mark.parametrize("dtype", STORED)
def test_layers_with_small_weights_are_timed_with_them(tmp_path, dtype):
    loaded = saved(stored_as(dtype), tmp_path)
    (candidate,) = find(loaded, **SIZE).eligible
    for option in (Option(None, 0, 0), DEPTHWISE):
        path = layer_model(tmp_path / "l.onnx", candidate, option, describe(loaded, **SIZE)).path
        made = onnx.load(path)
        kept = [t.data_type for t in made.graph.initializer if len(t.dims) > 1 and t.dims[1] > 1]
        assert kept == [getattr(onnx.TensorProto, dtype.upper())]
        ran = kernels(made, {"x": X}, tmp_path)
        assert ran["Conv"] + ran["FusedConv"] > 1
