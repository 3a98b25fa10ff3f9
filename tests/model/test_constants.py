"""Sources of content: initializers and Constant nodes."""

import pytest
from onnx import TensorProto, helper

from sepcost.errors import ModelError
from tests.model.build import layers, model, network


def constant(**value):
    node = helper.make_node("Constant", [], ["y"], **value)
    graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", 1, None)])
    return network(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))


@pytest.mark.parametrize(
    ("value", "shape", "dtype"),
    [
        ({"value_float": 1.5}, (), "float32"),
        ({"value_floats": [1.5, 2.5]}, (2,), "float32"),
        ({"value_int": 3}, (), "int64"),
        ({"value_ints": [1, 2, 3]}, (3,), "int64"),
        ({"value_string": "x"}, (), "string"),
        ({"value_strings": ["x", "y"]}, (2,), "string"),
        ({"value": helper.make_tensor("", TensorProto.FLOAT16, [1, 2], [1, 2])}, (1, 2), "float16"),
        ({"value": TensorProto(data_type=1, dims=[300, 300])}, (300, 300), "float32"),
    ],
)
def test_every_way_to_store_a_value(value, shape, dtype):
    found = constant(**value).values["y"]
    assert (found.shape, found.dtype) == (shape, dtype)


@pytest.mark.parametrize("value", [{}, {"other": 1}])
def test_a_constant_without_a_value_is_refused(value):
    with pytest.raises(ModelError, match=r"^m.onnx: Constant 'y' has no value"):
        constant(**value)


def test_integers_of_a_constant_decide_shapes():
    source = """g (float[2, 6] x) => (float[] y) {
      s = Constant <value_ints = [3, 4]> ()
      y = Reshape (x, s)
    }"""
    assert layers(source)["y"].outputs == ((3, 4),)


# more elements than 64-bit arithmetic can hold
@pytest.mark.parametrize("dims", ["4611686018427387904, 4", "9223372036854775807, 2, 1"])
def test_impossible_shapes_are_refused(dims):
    body = f"g (float[2] x) => (float[] y) <float[{dims}] w> {{ y = Identity (w) }}"
    with pytest.raises(ModelError, match="initializer 'w' has the impossible shape"):
        network(body)
    source = f"g (float[{dims}] x) => (float[] y) {{ y = Relu (x) }}"
    with pytest.raises(ModelError, match="input 'x' has the impossible shape"):
        network(source)


def test_shapes_that_become_impossible_are_refused():
    source = """g (float[4611686018427387904, 1] x, float[1, 4] w) => (float[] y) {
      y = Add (x, w)
    }"""
    with pytest.raises(ModelError, match="Add 'y'"):
        network(source)


def test_the_largest_possible_shape_passes():
    source = "g (float[4611686018427387904] x) => (float[] y) { y = Relu (x) }"
    assert network(source).values["y"].shape == (2**62,)


def test_content_of_another_type_than_it_says_does_not_stop_the_walk():
    proto = model("g (float[2] x) => (float[] y) <int64[3] s> { y = Reshape (x, s) }")
    assert layers(proto)["y"].missing  # its three sizes were stripped
