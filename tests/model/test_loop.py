"""Loops, compared with ONNX Runtime."""

import numpy as np
import pytest

from sepcost.errors import BindingError, ModelError
from sepcost.model.control import common
from sepcost.model.values import static_shape, tensor_type
from tests.model.build import layers, network
from tests.model.flow import witnessed

X = np.ones((2, 3), np.float32)


def loop(inputs="n, go, x", body="k = Identity (c) [inner] o = Relu (a)", out="float[2, 3]"):
    """A Loop that carries one value from ``a`` to ``o`` and collects it."""
    return f"""g (float[2, 3] x, bool[1] data) => ({out} y, float[] s)
    <int64 n = {{5}}, bool go = {{1}}, bool stop = {{0}}, float[2, 3] w> {{
      y, s = Loop ({inputs}) <body = b (int64 i, bool c, {out} a) => (bool k, {out} o, float[] t) {{
        {body}
        t = Identity (o)
      }}>
    }}"""


def feeds(truth=True):
    return {"x": X, "data": np.array([truth])}


@pytest.mark.parametrize(
    ("inputs", "body"),
    [
        ("n, go, x", "k = Identity (c) [inner] o = Relu (a)"),
        ("n, , x", "k = Identity (c) [inner] o = Relu (a)"),
        ("n, go, x", "p = Cast <to = 9> (c) k = Identity (p) [inner] o = Relu (a)"),
        ("n, go, x", "k = Constant <value = bool {1}> () [inner] o = Relu (a)"),
        ("n, stop, x", "k = Identity (c) [inner] o = Relu (a)"),
    ],
)
def test_a_known_number_of_trips(tmp_path, inputs, body):
    source = loop(inputs, body).replace(", float[2, 3] w", "")
    found = witnessed(tmp_path, source, feeds())
    assert found.warnings == ()


def test_an_initializer_of_the_body_keeps_it_going(tmp_path):
    body = "[inner] o = Relu (a)"
    source = loop(body=body).replace("(bool k,", "(bool k,").replace(", float[2, 3] w", "")
    source = source.replace("float[] t) {", "float[] t) <bool k = {1}> {")
    witnessed(tmp_path, source, feeds())


@pytest.mark.parametrize(
    ("inputs", "body"),
    [
        ("n, data, x", "k = Identity (c) o = Relu (a)"),  # may not run at all
        ("n, go, x", "k = Not (c) o = Relu (a)"),  # may end
        ("n, go, x", "k = Constant <value = bool {0}> () o = Relu (a)"),
        (", go, x", "k = Identity (c) o = Relu (a)"),  # without a trip count
        ("m, go, x", "k = Identity (c) o = Relu (a)"),  # the count depends on data
    ],
)
def test_an_unknown_number_of_trips(inputs, body):
    source = loop(inputs, body).replace("    }\n", "    }\n", 1)
    source = source.replace("y, s = Loop", "m = Cast <to = 7> (data) y, s = Loop")
    found = network(source)
    assert found.layers[-2].trips is None
    assert found.values["y"].shape == (2, 3)
    assert found.values["s"].shape is None
    assert "trip count depends on data; give it with --trips y=COUNT" in found.warnings[0]
    given = network(source, trips={"y": 7})
    assert given.layers[-2].trips == 7
    assert given.values["s"].shape == (7, 2, 3)
    assert given.warnings == ()


def test_trips_are_given_by_the_name_too():
    source = loop("n, data, x").replace("y, s = Loop", "[spin] y, s = Loop")
    assert network(source, trips={"spin": 3}).layers[0].trips == 3


@pytest.mark.parametrize("trips", [{"nothing": 3}, {"y": -1}])
def test_trips_for_unknown_loops_are_refused(trips):
    with pytest.raises(BindingError, match="--trips"):
        network(loop("n, data, x"), trips=trips)


def test_a_carried_shape_that_grows(tmp_path):
    """Its first size depends on the trip, its second does not; the final size is unknown."""
    source = """g (float[1, 3] x) => (float[] y) <int64 n = {4}, bool go = {1}> {
      y = Loop (n, go, x) <body = b (int64 i, bool c, float[] a) => (bool k, float[] o) {
        k = Identity (c)
        o = Concat <axis = 0> (a, a)
        p = ReduceSum <keepdims = 0> (a, zero)
        [same] q = Relu (p)
      }>
    }""".replace("n = {4},", "n = {4}, int64[1] zero = {0},")
    found = {layer.id: layer for layer in network(source).layers}
    assert found["y.body/q"].outputs == ((3,),)
    assert found["y.body/q"].trips == 4
    assert found["y.body/o"].missing
    assert found["y"].missing


def test_one_trip_may_change_a_shape(tmp_path):
    source = """g (float[1, 3] x) => (float[] y) <int64 n = {1}, bool go = {1}> {
      y = Loop (n, go, x) <body = b (int64 i, bool c, float[] a) => (bool k, float[] o) {
        k = Identity (c)
        [twice] o = Concat <axis = 0> (a, a)
      }>
    }"""
    witnessed(tmp_path, source, {"x": X[:1]})


def test_no_trips_leave_the_carried_value_as_it_was(tmp_path):
    source = """g (float[1, 3] x) => (float[] y, float[] s) <int64 n = {0}, bool go = {1}> {
      y, s = Loop (n, go, x) <body = b (int64 i, bool c, float[] a)
          => (bool k, float[] o, float[] t) {
        k = Identity (c)
        [never] o = Concat <axis = 0> (a, a)
        t = Constant <value_floats = [1.0, 2.0]> ()
      }>
    }"""
    found = witnessed(tmp_path, source, {"x": X[:1]})
    assert found.values["y"].shape == (1, 3)


def test_loops_within_loops_multiply(tmp_path):
    source = """g (float[2] x) => (float[2] y) <int64 n = {3}, int64 m = {4}, bool go = {1}> {
      y = Loop (n, go, x) <body = b (int64 i, bool c, float[2] a) => (bool k, float[2] o) {
        k = Identity (c)
        [outer] p = Relu (a)
        o = Loop (m, go, p) <body = d (int64 j, bool e, float[2] q) => (bool l, float[2] r) {
          l = Identity (e)
          [inner] h = Relu (q)
          r = Add (h, x)
        }>
      }>
    }"""
    found = witnessed(tmp_path, source, {"x": X[0, :2]})
    assert {layer.name: layer.trips for layer in found.layers if layer.name} == {
        "outer": 3, "inner": 12
    }  # fmt: skip
    assert {layer.scope for layer in found.layers} == {"", "y.body", "y.body/o.body"}


def test_a_contradiction_in_a_body_that_never_runs_is_only_noted():
    body = "k = Identity (c) o = MatMul (a, a)"
    found = layers(loop("n, stop, x", body))
    assert "contradicts itself" in found["y.body/o"].missing[0]
    with pytest.raises(ModelError, match="MatMul 'o'"):
        network(loop("n, go, x", body))


@pytest.mark.parametrize(
    "source",
    [
        "g (float[2] x) => (float[] y) { y = Loop (x, x) }",
        "g (float[2] x) => (float[] y) { y = Loop () }",
        "g (float[2] x) => (float[] y) { y = Loop <body = b () => () {}> () }",
        "g (float[2] x) => (float[] y) { y = Loop <body = b () => (float[] q) {}> (x, x, x) }",
    ],
)
def test_an_invalid_loop_is_described_or_refused(source):
    try:
        assert network(source).layers
    except ModelError as error:
        assert str(error).startswith("m.onnx: ")  # noqa: PT017 - some are refused, some are not


def test_what_two_types_agree_on():
    float_, double = 1, 11
    a = tensor_type(float_, (2, 3))
    assert common(a, tensor_type(float_, (2, 3))) == a
    agreed = common(a, tensor_type(float_, (2, 4)))
    assert static_shape(agreed) is None
    assert [dim.dim_value for dim in agreed.tensor_type.shape.dim] == [2, 0]
    assert common(a, tensor_type(float_, (2,))) == tensor_type(float_, None)
    assert common(a, tensor_type(double, (2, 3))).tensor_type.elem_type == 0
