"""Facts from a run: shapes that depend on data, trips, the branch taken."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sepcost.errors import MeasurementError, ModelError
from sepcost.latency.observe import kernels, observe
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.model.values import static_shape
from tests.model.build import model

POSITIVE = "g (float[6] x) => (int64[] y) { n = NonZero (x) y = Transpose (n) }"


@pytest.fixture
def saved(tmp_path):
    """Save a model and load it as a user's file."""

    def save(source, name="m.onnx", **header):
        proto = model(source, **header) if isinstance(source, str) else source
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        onnx.save(proto, path)
        return load(path)

    return save


def seen(loaded, **arrays):
    """Observe a model on these arrays and describe it with the observed facts."""
    network = describe(loaded)
    inputs = None
    if arrays:
        inputs = loaded.path.with_name("inputs.npz")
        np.savez(inputs, **arrays)
    observed = observe(loaded, network, inputs=inputs)
    return observed, describe(loaded, observed=observed)


def test_a_shape_that_depends_on_data(saved):
    x = np.array([0, 1, 0, 2, 0, 3], np.float32)
    observed, network = seen(saved(POSITIVE), x=x)
    assert {id_: o.runs for id_, o in observed.items()} == {"n": 1, "y": 1}
    assert static_shape(observed["n"].outputs[0]) == (1, 3)
    assert network.values["y"].shape == (3, 1)
    assert network.values["y"].dtype == "int64"


def test_a_type_that_numpy_lacks(saved):
    source = POSITIVE.replace("float", "bfloat16").replace("{ n", "{ f = Cast <to = 1> (x) n")
    observed, _ = seen(saved(source.replace("NonZero (x)", "NonZero (f)")))
    assert observed["y"].runs == 1


def test_trips_that_depend_on_data(saved):
    source = """g (int64[1] n, float[2] x) => (float[2] y, float[] s) <bool go = {1}> {
      y, s = Loop (n, go, x) <body = b (int64 i, bool c, float[2] a)
          => (bool k, float[2] o, float[2] t) {
        k = Identity (c)
        o = Sin (a)
        t = Cos (o)
      }>
    }"""
    feeds = {"n": np.array([7]), "x": np.ones(2, np.float32)}
    _, network = seen(saved(source), **feeds)
    assert {layer.id: layer.trips for layer in network.layers} == {
        "y.body/k": 7, "y.body/o": 7, "y.body/t": 7, "y": 1
    }  # fmt: skip
    assert network.values["s"].shape == (7, 2)
    assert network.warnings == ()


@pytest.mark.parametrize(("truth", "side"), [(True, "then"), (False, "else")])
def test_the_branch_that_ran(saved, truth, side):
    source = """g (bool c, float[2, 3] x) => (float[] y) {
      y = If (c) <
        then_branch = t () => (float[] p) { p = Relu (x) },
        else_branch = e () => (float[] q) { q = Transpose (x) }
      >
    }"""
    feeds = {"c": np.array(truth), "x": np.ones((2, 3), np.float32)}
    _, network = seen(saved(source), **feeds)
    assert network.choices == {"y": side}
    assert network.values["y"].shape == ((2, 3) if truth else (3, 2))


def test_outputs_that_are_left_out_keep_their_place(saved):
    proto = model("g (float[6] x) => (int64[] y) { a, b, y = Unique (x) }")
    proto.graph.node[0].output[1] = ""
    observed, network = seen(saved(proto), x=np.array([1, 1, 2, 2, 3, 3], np.float32))
    assert [t and static_shape(t) for t in observed["a"].outputs] == [(3,), None, (6,)]
    assert network.values["y"].shape == (6,)


def weighted():
    """A product with 2,000 weights, then what depends on data."""
    proto = model("""g (float[1, 100] x) => (int64[] y) <float[100, 20] w> {
      p = MatMul (x, w) y = NonZero (p) }""")
    weight = np.zeros((100, 20), np.float32)
    weight[:, :4] = 1
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "w"))
    return proto


ONES = {"x": np.ones((1, 100), np.float32)}


def test_weights_are_read_from_the_models_own_file(saved):
    loaded = saved(weighted())
    assert loaded.proto.graph.initializer[0].data_location == TensorProto.EXTERNAL
    _, network = seen(loaded, **ONES)
    assert network.values["y"].shape == (2, 4)


def test_weights_are_read_through_a_link_to_the_model(saved, tmp_path):
    saved(weighted(), "elsewhere/blob")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "m.onnx").symlink_to(tmp_path / "elsewhere" / "blob")
    _, network = seen(load(tmp_path / "home" / "m.onnx"), **ONES)
    assert network.values["y"].shape == (2, 4)


def test_a_relative_path(saved, tmp_path, monkeypatch):
    saved(weighted())
    monkeypatch.chdir(tmp_path)
    _, network = seen(load("m.onnx"), **ONES)
    assert network.values["y"].shape == (2, 4)


def test_weights_next_to_the_model(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(weighted(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    _, network = seen(load(path), **ONES)
    assert network.values["y"].shape == (2, 4)


def test_weights_of_varying_length_are_read_again(saved):
    proto = model("g (int64[1, 100] x) => (int64[] y) <int64[100, 20] w> "
                  "{ p = Mul (x, x) q = MatMul (p, w) y = NonZero (q) }")  # fmt: skip
    weight = helper.make_tensor("w", TensorProto.INT64, [100, 20], [2**40] * 2000)
    proto.graph.initializer[0].CopyFrom(weight)
    loaded = saved(proto)
    assert not loaded.complete
    _, network = seen(loaded, x=np.ones((1, 100), np.int64))
    assert network.values["y"].shape == (2, 20)


def test_a_spec_without_weights_cannot_be_observed():
    loaded = Loaded("m", "m", model(POSITIVE), complete=False)
    with pytest.raises(ModelError, match="weights"):
        observe(loaded, describe(loaded))


def test_functions_are_run_but_not_observed(saved):
    source = """g (float[6] x) => (int64[] y) { h = local.f (x) y = NonZero (h) }
    <domain: "local", opset_import: ["" : 17]> f (a) => (b) { t = Neg (a) b = Abs (t) }"""
    observed, network = seen(saved(source), x=np.ones(6, np.float32))
    assert set(observed) == {"y"}
    assert network.values["y"].shape == (1, 6)


def test_without_inputs_random_ones_are_fed(saved):
    _, network = seen(saved(POSITIVE))
    assert network.values["n"].shape[0] == 1


def test_a_model_that_onnx_runtime_refuses(saved):
    with pytest.raises((ModelError, MeasurementError)) as caught:
        seen(saved("g (float[2] x) => (float[] y) { y = com.microsoft.Nobody (x) }"))
    assert "\n" not in str(caught.value)
    assert "m.onnx" in str(caught.value)


def test_a_model_that_fails_on_its_inputs(saved):
    source = "g (float[2, 3] x, int64[1] s) => (float[] y) { y = Reshape (x, s) }"
    with pytest.raises((ModelError, MeasurementError), match=r"m\.onnx"):
        seen(saved(source), x=np.ones((2, 3), np.float32), s=np.array([5]))


def test_an_error_names_the_node_as_the_model_does(saved):
    text = "g (float[6] x, int64[2] s) => (float[?, ?] y) { r = Reshape (x, s) y = Relu (r) }"
    with pytest.raises((ModelError, MeasurementError), match="Name:'r'"):
        seen(saved(text), x=np.zeros(6, np.float32), s=np.array([4, 4]))


def test_a_name_that_is_not_utf8_is_said_to_be_so(saved, tmp_path):
    loaded = saved(POSITIVE)
    path = tmp_path / "bytes.onnx"
    path.write_bytes(loaded.path.read_bytes().replace(b"\x0a\x01x", b"\x0a\x01\xff"))
    with pytest.raises(ModelError, match="a name in it is not UTF-8; export the model again"):
        seen(load(path))


def test_a_model_that_never_ends(saved):
    source = """g (float[1] x) => (float[1] y) <int64 most = {9223372036854775807}, bool go = {1}> {
      y = Loop (most, go, x) <body = forever (int64 i, bool was, float[1] v)
        => (bool again, float[1] next) { again = Identity (was)  next = Sin (v) }>
    }"""
    loaded = saved(source)
    with pytest.raises(MeasurementError):
        observe(loaded, describe(loaded), timeout_s=1.0)


def test_a_shape_that_changes_from_run_to_run_is_not_static(saved):
    source = """g (float[1] x) => (float[] y) <int64 n = {3}, bool go = {1}> {
      y = Loop (n, go, x) <body = b (int64 i, bool c, float[] a) => (bool k, float[] o) {
        k = Identity (c)
        o = Concat <axis = 0> (a, x)
      }>
    }"""
    observed, network = seen(saved(source))
    assert observed["y.body/o"].outputs == (None,)
    assert observed["y.body/o"].runs == 3
    assert network.values["y"].shape == (4,)
    assert network.values["y.body/o"].shape is None


def test_other_events_of_a_profile_are_ignored(tmp_path):
    event = {"cat": "Node", "args": {"output_type_shape": [{"float": [2]}]}}
    events = [
        {"cat": "Session", "name": "model_run"},
        event | {"name": "sepcost:0_kernel_time"},
        event | {"name": "sepcost:0_fence_before"},
        event | {"name": "other_kernel_time"},
        event | {"name": "sepcost:1_fused_kernel_time"},
        event | {"name": "sepcost:2_kernel_time", "args": {}},
    ]
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(events))
    assert kernels(path) == [(0, [("float", [2])]), (2, [])]
