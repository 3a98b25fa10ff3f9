"""The types of one node's outputs."""

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError

from sepcost.model.graphs import attributes
from sepcost.model.infer import infer, is_standard
from sepcost.model.values import Known, from_array, static_shape, tensor_type


def known(*shape, elem_type=TensorProto.FLOAT):
    return Known("x", tensor_type(elem_type, shape))


def shapes(node, *inputs, opset=17):
    return [static_shape(type_) for type_ in infer(node, list(inputs), opset, 9)]


def test_a_standard_operator():
    node = helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2])
    assert shapes(node, known(1, 3, 8, 8), known(4, 3, 3, 3)) == [(1, 4, 3, 3)]


def test_content_that_is_known_decides_a_shape():
    node = helper.make_node("Reshape", ["x", "s"], ["y"])
    assert shapes(node, known(2, 6), from_array("s", np.array([3, -1]))) == [(3, 4)]
    assert shapes(node, known(2, 6), known(2, elem_type=TensorProto.INT64)) == [None]


def test_names_that_are_not_utf8_do_not_matter():
    node = helper.make_node("Relu", ["AAAA"], ["BBBB"], name="CCCC")
    raw = node.SerializeToString()
    for name in (b"AAAA", b"BBBB", b"CCCC"):
        raw = raw.replace(name, b"\xff\xfe\xfd\xfc")
    assert shapes(NodeProto.FromString(raw), known(2, 3)) == [(2, 3)]


def test_outputs_that_are_left_out_keep_their_place():
    node = helper.make_node("LSTM", ["x", "w", "r"], ["", "", "c"], hidden_size=5)
    inputs = [known(3, 1, 4), known(1, 20, 4), known(1, 20, 5)]
    assert shapes(node, *inputs) == [None, None, (1, 1, 5)]


def test_both_names_of_the_standard_domain():
    assert shapes(helper.make_node("Relu", ["x"], ["y"], domain="ai.onnx"), known(2)) == [(2,)]
    assert is_standard("Relu", 17, "ai.onnx")
    assert is_standard("TreeEnsembleRegressor", 3, "ai.onnx.ml")


# a future, an unknown and a foreign operator; an opset beyond every integer
@pytest.mark.parametrize(
    ("op_type", "domain", "opset"),
    [("Relu2", "", 17), ("Relu", "com.acme", 1), ("Attention", "", 17), ("Relu", "", 2**40)],
)
def test_nothing_is_known_of_the_unknown(op_type, domain, opset):
    node = helper.make_node(op_type, ["x"], ["y", "z"], domain=domain)
    assert shapes(node, known(2), opset=opset) == [None, None]


def test_an_opset_beyond_what_onnx_knows_is_read_as_its_newest():
    assert shapes(helper.make_node("Relu", ["x"], ["y"]), known(2), opset=999) == [(2,)]


@pytest.mark.parametrize(
    ("node", "inputs"),
    [
        (helper.make_node("MatMul", ["a", "b"], ["y"]), [known(2, 3), known(4, 5)]),
        (helper.make_node("Concat", ["a"], ["y"]), [known(2, 3)]),
        (helper.make_node("Relu", ["a", "b"], ["y"]), [known(2), known(2)]),
    ],
)
def test_contradictions_raise(node, inputs):
    for _ in range(2):  # also for a cached question
        with pytest.raises((InferenceError, ValidationError)):
            infer(node, inputs, 17, 9)


def test_a_question_asked_twice_gets_the_same_answer_for_the_same_inputs_only():
    node = helper.make_node("Reshape", ["x", "s"], ["y"])
    for shape in ([3, 4], [4, 3], [3, 4]):
        assert shapes(node, known(12), from_array("s", np.array(shape))) == [tuple(shape)]
    transposed = helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0])
    assert shapes(transposed, known(2, 3)) == [(3, 2)]
    assert shapes(helper.make_node("Transpose", ["x"], ["y"], perm=[0, 1]), known(2, 3)) == [(2, 3)]


def test_attributes_as_python_values():
    body = helper.make_graph([], "g", [], [])
    node = helper.make_node("Op", [], [], i=1, f=0.5, s="x", ints=[1, 2], body=body)
    node.attribute.add(name="typeless", i=3)
    reference = node.attribute.add(name="r", type=onnx.AttributeProto.INT)
    reference.ref_attr_name = "outer"
    assert attributes(node) == {"i": 1, "f": 0.5, "s": b"x", "ints": [1, 2]}
