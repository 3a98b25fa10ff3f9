"""Which constants are params, and which only control operators."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.model.build import model, network, params

HEAD = "g (float[1, 4] x) => (float[] y)"


def used(body, **options):
    """Return the parameters that a model counts, by shape."""
    return params(network(body, **options))


def with_tensor(body, tensor, **header):
    proto = model(body, **header)
    proto.graph.initializer.append(tensor)
    return proto


def test_an_initializer_that_weighs_data():
    assert used(f"{HEAD} <float[4] w> {{ y = Mul (x, w) }}") == {"w": (4,)}


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("value_float = 2.0", ()),
        ("value_floats = [1.0, 2.0, 3.0, 4.0]", (4,)),
        ("value = float[4] {1, 2, 3, 4}", (4,)),
    ],
)
def test_a_constant_node(value, shape):
    assert used(f"{HEAD} {{ w = Constant <{value}> () y = Mul (x, w) }}") == {"w": shape}


def test_a_sparse_initializer_counts_what_it_stores():
    proto = model("g (float[1, 100] x) => (float[1, 50] y) { y = MatMul (x, w) }")
    values = helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [3], [1, 700, 4000])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [100, 50]))
    found = network(proto)
    assert params(found) == {"w": (3,)}
    assert found.layers[0].inputs == ((1, 100), (100, 50))


def test_a_sparse_constant_counts_what_it_stores():
    proto = model("g (float[1, 100] x) => (float[1, 50] y) { y = MatMul (x, w) }")
    values = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [2], [1, 700])
    sparse = helper.make_sparse_tensor(values, indices, [100, 50])
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["w"], sparse_value=sparse))
    assert params(network(proto)) == {"w": (2,)}


def test_a_constant_of_shape_counts_all_its_elements():
    body = "g (float[1, 100] x) => (float[] y) { w = ConstantOfShape (s) y = MatMul (x, w) }"
    shape = numpy_helper.from_array(np.array([100, 50]), "s")
    assert used(with_tensor(body, shape)) == {"w": (100, 50)}


# ways in which a weight [4, 6] reaches the product
@pytest.mark.parametrize(
    "path",
    [
        "v = Identity (w)",
        "v = Cast <to = 1> (w)",
        "t = Transpose (w) v = Transpose (t)",
        "v = Reshape (w, s)",
        "v = Unsqueeze (w, axes)",
        "q = Identity (w) v = Identity (q)",
        "z = Mul (w, half) v = Identity (z)",
    ],
)
def test_a_weight_is_a_parameter_whatever_carries_it(path):
    body = f"""g (float[2, 4] x) => (float[] y)
    <float[4, 6] w, float half = {{0.5}}, int64[2] s = {{4, 6}}, int64[1] axes = {{0}}>
    {{ {path} y = MatMul (x, v) }}"""
    expected = {"w": (4, 6), "half": ()} if "half" in path else {"w": (4, 6)}
    assert used(body) == expected


def test_a_quantised_weight_without_its_scale_and_zero_point():
    body = """g (float[2, 4] x) => (float[] y)
    <int8[4, 6] w, float s = {0.5}, int8 z = {0}, float[6] b>
    { v = DequantizeLinear (w, s, z) p = MatMul (x, v) y = Add (p, b) }"""
    assert used(body) == {"w": (4, 6), "b": (6,)}


def test_a_quantised_convolution():
    body = """g (uint8[1, 2, 8, 8] x) => (uint8 y)
    <float s = {0.5}, uint8 z = {0}, int8[4, 2, 3, 3] w, int8 wz = {0}, int32[4] b>
    { y = QLinearConv (x, s, z, w, s, wz, s, z, b) }"""
    assert used(body) == {"w": (4, 2, 3, 3), "b": (4,)}


def test_the_four_vectors_of_a_normalisation():
    body = """g (float[1, 4, 2, 2] x) => (float[] y)
    <float[4] s, float[4] b, float[4] m, float[4] v>
    { y = BatchNormalization (x, s, b, m, v) }"""
    assert used(body) == dict.fromkeys("sbmv", (4,))


def test_a_shared_weight_is_one_parameter():
    found = network(f"{HEAD} <float[4] w> {{ a = Mul (x, w) y = Add (a, w) }}")
    assert params(found) == {"w": (4,)}
    assert [layer.parameters for layer in found.layers] == [("w",), ("w",)]


def test_dead_weights_are_recognised():
    found = network(f"{HEAD} <float[4] w, float[7] dead, int64[9] shape> {{ y = Mul (x, w) }}")
    assert params(found) == {"w": (4,)}
    assert [(value.name, value.shape) for value in found.dead_weights] == [("dead", (7,))]


# float constants that control: sizes, bounds, scales, pads, ratios
@pytest.mark.parametrize(
    "node",
    [
        "y = Clip (x, low, high)",
        "y = Pad (x, pads, low)",
        "y = Resize (x, , scales)",
        "y = Reshape (x, shape)",
        "y = Slice (x, starts, ends)",
        "y = Gather (x, starts)",
        "y = QuantizeLinear (x, high)",
        "y = Dropout (x, high)",
        "y = ReduceSum (x, starts)",
        "q = Shape (weights) y = Reshape (x, q)",
        "q = Shape (weights) c = Cast <to = 1> (q) y = Mul (x, c)",
        "c = Less (x, high) y = Where (c, x, x)",
    ],
)
def test_controls_are_not_parameters(node):
    body = f"""{HEAD} <float low = {{0}}, float high = {{1}}, int64[4] pads = {{0, 0, 0, 0}},
    float[2] scales = {{1, 2}}, int64[2] shape = {{2, 2}}, int64[1] starts = {{0}},
    int64[1] ends = {{1}}, float[4] weights> {{ {node} }}"""
    expected = {"high": ()} if "Less" in node else {}
    assert used(body) == expected


def test_integers_are_not_learned():
    assert used("g (int64[4] x) => (int64 y) <int64[4] w> { y = Mul (x, w) }") == {}


def test_weights_that_are_graph_inputs_too():
    """Before IR version 4 every initializer was declared as an input."""
    body = "g (float[1, 4] x, float[4] w) => (float[] y) <float[4] w> { y = Mul (x, w) }"
    for ir in (3, 9):
        found = network(body, ir=ir)
        assert params(found) == {"w": (4,)}
        assert [value.name for value in found.inputs] == ["x"]


def test_values_that_a_graph_input_feeds_are_not_parameters():
    body = "g (float[1, 4] x, float[4] w) => (float[] y) { v = Transpose (w) y = Mul (x, v) }"
    assert used(body) == {}


def test_random_numbers_are_not_parameters():
    body = f"{HEAD} {{ r = RandomNormal <shape = [4]> () y = Mul (x, r) }}"
    assert used(body) == {}


def test_a_model_without_inputs_counts_its_weights_where_they_are_used():
    body = """g () => (float[] y) <float[2, 4] data, float[4, 6] w>
    { v = Identity (w) y = MatMul (data, v) }"""
    found = network(body)
    assert params(found) == {"w": (4, 6), "data": (2, 4)}
    assert found.layers[-1].inputs == ((2, 4), (4, 6))


def test_constants_combined_with_constants_belong_to_the_layer_that_applies_them_to_data():
    found = network(f"{HEAD} <float[4] a, float[4] b> {{ w = Add (a, b) y = Mul (x, w) }}")
    assert [layer.parameters for layer in found.layers] == [(), ("a", "b")]
