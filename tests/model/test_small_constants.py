"""Small constants in external data are read if shapes depend on them; weights stay on disk."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from sepcost.model.describe import describe
from sepcost.model.external import files
from sepcost.model.load import load
from sepcost.routes.analyze import analyze
from tests.model.build import model

LOOP = """g (float[2,2] x, int64 n) => (float[2,2] y) { y = Loop (n, , x) <body = b
    (int64 i, bool k, float[2,2] v) => (bool l, float[2,2] w)
    { l = Identity (k) w = MatMul (v, v) }> }"""


def outside(folder, body, arrays):
    """Save a model with all constants in an external file ``data``."""
    proto = model(body)
    for name, array in arrays.items():
        proto.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
    path = folder / "m.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="data", size_threshold=0)
    return path


def test_a_trip_count_is_read(tmp_path):
    path = outside(tmp_path, LOOP, {"n": np.int64(5)})
    assert onnx.load(path, load_external_data=False).graph.initializer[0].data_location
    assert analyze(path).totals.macs == 5 * 8


def test_a_target_shape_is_read(tmp_path):
    path = outside(
        tmp_path, "g (float[6,4] x, int64[2] s) => (y) { y = Reshape (x, s) }",
        {"s": np.array([3, -1])},
    )  # fmt: skip
    (layer,) = describe(load(path)).layers
    assert layer.outputs == ((3, 8),)


def test_weights_stay_on_disk(tmp_path):
    path = outside(
        tmp_path, "g (float[1,4] x, float[4,4] w, float[65] v) => (y) { y = MatMul (x, w) }",
        {"w": np.ones((4, 4), np.float32), "v": np.ones(65, np.float32)},
    )  # fmt: skip
    stored = load(path).proto.graph.initializer
    assert [tensor.data_location for tensor in stored] == [TensorProto.EXTERNAL] * 2


def test_the_external_file_is_still_reported(tmp_path):
    path = outside(tmp_path, LOOP, {"n": np.int64(5)})
    assert files(path) == (tmp_path / "data",)


def cut(data):
    data.write_bytes(b"\5")


def piped(data):
    data.unlink()
    os.mkfifo(data)


@pytest.mark.parametrize("harm", [lambda data: data.unlink(), cut, piped])
def test_missing_data_are_unknown_and_not_an_error(tmp_path, harm):
    path = outside(tmp_path, LOOP, {"n": np.int64(5)})
    harm(tmp_path / "data")
    assert not analyze(path).coverage.complete
