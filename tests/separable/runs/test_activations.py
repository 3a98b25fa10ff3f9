"""Any value of a model, without the nodes that it does not need."""

import numpy as np
import onnx
import pytest

from sepcost.errors import ModelError
from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.cuts import cut
from tests.separable import networks
from tests.separable.build import parsed, saved


def test_inner_values_are_those_of_the_whole(tmp_path):
    loaded = networks.classifier(tmp_path)
    feeds = {"x": networks.images(3)}
    a, r = runner(loaded, Runtime(), ["a", "r"])(feeds)
    assert a.shape == (3, 16, 8, 8)
    assert np.array_equal(r, np.maximum(a, 0))


def test_an_input_can_be_asked_for(tmp_path):
    loaded = networks.classifier(tmp_path)
    feeds = {"x": networks.images(2)}
    x, a = runner(loaded, Runtime(), ["x", "a"])(feeds)
    assert np.array_equal(x, feeds["x"])
    assert a.shape == (2, 16, 8, 8)


def test_without_names_the_outputs_come(tmp_path):
    (y,) = runner(networks.classifier(tmp_path), Runtime())({"x": networks.images(2)})
    assert y.shape == (2, 3)


def test_unneeded_nodes_are_left_out(tmp_path):
    proto = networks.classifier(tmp_path).proto
    part = cut(proto, ["r"])
    assert [node.op_type for node in part.graph.node] == ["Conv", "Relu"]
    assert {tensor.name for tensor in part.graph.initializer} == {"w1", "b1"}
    assert len(proto.graph.node) == 7


def test_weights_that_are_inputs_too_need_not_be_fed(tmp_path):
    """As in models of IR version 3."""
    model = parsed(networks.TEXT.replace("8, 8] x)", "8, 8] x, float[16] b2)"), networks.weights())
    loaded = saved(model, tmp_path)
    (r,) = runner(loaded, Runtime(), ["r"])({"x": networks.images(2)})
    (s,) = runner(loaded, Runtime(), ["s"])({"x": networks.images(2)})
    assert r.shape == s.shape == (2, 16, 8, 8)


def test_data_that_do_not_match_are_reported(tmp_path):
    loaded = networks.classifier(tmp_path)
    with pytest.raises(ModelError, match=r"net\.onnx"):
        runner(loaded, Runtime())({"x": np.zeros((1, 3, 8, 8), np.float32)})


def test_onnx_runtime_prints_nothing(tmp_path, capfd):
    model = parsed("""<ir_version: 9, opset_import: ["" : 17]>
        g (float[2] x, int64[1] i) => (float[1] y) { y = Gather (x, i) }""")
    run = runner(saved(model, tmp_path), Runtime())
    with pytest.raises(ModelError, match=r"out of data bounds.*--inputs"):
        run({"x": np.zeros(2, np.float32), "i": np.array([7])})
    assert capfd.readouterr() == ("", "")


def test_given_values_take_the_place_of_what_computes_them(tmp_path):
    loaded = networks.classifier(tmp_path)
    feeds = {"x": networks.images(2)}
    (y,) = runner(loaded, Runtime())(feeds)
    (r,) = runner(loaded, Runtime(), ["r"])(feeds)
    later = runner(loaded, Runtime(), ["y"], {"r": onnx.TensorProto.FLOAT})
    np.testing.assert_allclose(later({"r": r})[0], y, rtol=1e-5)
    part = cut(loaded.proto, ["y"], {"r": onnx.TensorProto.FLOAT})
    assert {tensor.name for tensor in part.graph.initializer} == {"w2", "b2", "w3", "b3"}


def test_an_input_whose_name_is_not_utf8_is_said_to_be_so(tmp_path):
    path = networks.classifier(tmp_path).path
    path.write_bytes(path.read_bytes().replace(b"\x0a\x01x", b"\x0a\x01\xff"))
    with pytest.raises(ModelError, match="a name in it is not UTF-8; export the model again"):
        runner(load(path), Runtime())
