"""Hashes of learned values, by the names that its description uses."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from sepcost.errors import ModelError
from sepcost.model.describe import describe
from sepcost.model.digests import digests
from sepcost.model.load import Loaded, load
from tests.model.build import model

EVERYWHERE = """g (float[1,2] x, bool go) => (float[1,2] y)
<float[2] w = {1, 2}, int64[1] s = {1}> {
    k = Constant <value = float[2] {3, 4}> ()
    a = Add (x, w)
    b = Mul (a, k)
    c = local.twice (b)
    y = If (go) <
        then_branch = t () => (float[1,2] t) <float[2] v = {5, 6}> { t = Add (c, v) },
        else_branch = e () => (float[1,2] e) { e = Identity (c) }
    >
}
<domain: "local", opset_import: ["": 17]>
twice (p) => (q) { f = Constant <value = float[1] {2}> ()  q = Mul (p, f) }"""


def test_every_parameter_of_the_description_has_a_hash():
    loaded = Loaded("m", "m.onnx", model(EVERYWHERE))
    network = describe(loaded)
    assert len(network.parameters) == 4
    assert set(network.parameters) <= set(digests(loaded))
    assert "s" not in digests(loaded)  # an index is not learned


@pytest.fixture
def saved(tmp_path):
    """Save one weight in a way, and hash it."""

    def save(tensor, **options):
        proto = model("g (float[1,64] x) => (float[1,64] y) { y = Mul (x, w) }")
        proto.graph.initializer.append(tensor)
        onnx.save(proto, tmp_path / "m.onnx", size_threshold=0, **options)
        return digests(load(tmp_path / "m.onnx"))["w"]

    return save


def test_the_hash_is_of_values_and_not_of_how_they_are_stored(saved, tmp_path):
    values = np.arange(64, dtype=np.float32)
    raw = numpy_helper.from_array(values, "w")
    listed = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [64], values.tolist())
    assert saved(raw) == saved(listed)
    assert saved(raw) == saved(raw, save_as_external_data=True, location="w.bin")
    other = values.copy()
    other[63] = 0
    assert saved(raw) != saved(numpy_helper.from_array(other, "w"))
    assert saved(raw) != saved(numpy_helper.from_array(values.reshape(1, 64), "w"))
    assert saved(raw) != saved(numpy_helper.from_array(values.view(np.int32), "w"))


def test_missing_data_are_an_error(saved, tmp_path):
    saved(numpy_helper.from_array(np.ones(64, np.float32), "w"),
          save_as_external_data=True, location="w.bin")  # fmt: skip
    (tmp_path / "w.bin").unlink()
    with pytest.raises(
        ModelError, match=r"w\.bin: cannot read the data of tensor 'w': No such file"
    ):
        digests(load(tmp_path / "m.onnx"))


def test_data_that_were_not_fetched_are_an_error_that_says_so(saved, tmp_path):
    """git leaves a pointer where Git LFS is not installed."""
    weight = numpy_helper.from_array(np.arange(64, dtype=np.float32), "w")
    saved(weight, save_as_external_data=True, location="w.bin")
    (tmp_path / "w.bin").write_text("version https://git-lfs.github.com/spec/v1\nsize 256\n")
    with pytest.raises(ModelError, match=r"w\.bin: a Git LFS pointer; .* 'git lfs pull'"):
        digests(load(tmp_path / "m.onnx"))
    (tmp_path / "w.bin").write_bytes(b"12")
    with pytest.raises(ModelError, match=r"w\.bin: truncated"):
        digests(load(tmp_path / "m.onnx"))
