"""Any value of a model, without what it does not need."""

import numpy as np
import pytest

from sepcost.errors import ModelError
from sepcost.latency.jobs import Runtime
from sepcost.separable.activations import exposing, runner
from tests.separable import networks


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


def test_what_is_not_needed_is_left_out(tmp_path):
    proto = networks.classifier(tmp_path).proto
    part = exposing(proto, ["r"])
    assert [node.op_type for node in part.graph.node] == ["Conv", "Relu"]
    assert {tensor.name for tensor in part.graph.initializer} == {"w1", "b1"}
    assert len(proto.graph.node) == 7


def test_data_that_do_not_fit_are_told(tmp_path):
    loaded = networks.classifier(tmp_path)
    with pytest.raises(ModelError, match=r"net\.onnx"):
        runner(loaded, Runtime())({"x": np.zeros((1, 3, 8, 8), np.float32)})
