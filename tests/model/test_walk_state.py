"""Scopes of names, and the layers that a walk collects."""

import onnx
import pytest
from onnx import helper

from sepcost.errors import ModelError
from sepcost.model.values import Known, tensor_type
from sepcost.model.walk_state import MAX_DEPTH, MAX_NODES, Scope, WalkState


def known(name, shape=(2,), **about):
    return Known(name, tensor_type(1, shape), **about)


def walk():
    return WalkState("m.onnx", 9, {}, {}, {})


def test_a_scope_sees_its_own_names_before_those_around_it():
    outer = Scope(names={"a": known("outer"), "b": known("b")})
    inner = outer.within("y.then/")
    inner.names["a"] = known("inner")
    found = [inner.find(name) for name in "ab"]
    assert [value.name for value in found if value] == ["inner", "b"]
    assert inner.find("c") is None
    assert outer.find("a") is outer.names["a"]


def test_a_scope_within_keeps_what_is_not_changed():
    outer = Scope(opsets={"": 17}, trips=3, soft=True)
    inner = outer.within("p/", trips=6)
    assert (inner.prefix, inner.trips, inner.soft, inner.depth) == ("p/", 6, True, 1)
    assert inner.names == {}


def test_the_opset_of_a_domain():
    scope = Scope(opsets={"ai.onnx": 12, "com.acme": 3})
    assert [scope.opset(d) for d in ("", "ai.onnx", "com.acme", "nobody")] == [12, 12, 3, 1]


def test_attributes_become_plain_data():
    node = helper.make_node("Op", [], [], i=1, f=0.5, s="x", ints=[1, 2], floats=[0.5], texts=["a"])
    node.attribute.append(helper.make_attribute("t", helper.make_tensor("", 1, [1], [1.0])))
    node.attribute.append(helper.make_attribute("raw", b"\xff"))
    layer = walk().layer(Scope(), node, [], [])
    assert layer.attributes == {
        "i": 1, "f": 0.5, "s": "x", "ints": (1, 2), "floats": (0.5,), "texts": ("a",),
        "raw": "\\xff",
    }  # fmt: skip


def test_a_layer_with_constant_outputs_passes_its_parameters_on():
    weight = known("w", constant=True, parameters=("w",))
    node = helper.make_node("Identity", ["w"], ["v"])
    constant = walk().layer(Scope(), node, [weight], [known("v", constant=True)])
    assert (constant.weights, constant.parameters) == ({0}, ())
    assert walk().layer(Scope(), node, [weight], [known("v")]).parameters == ("w",)


def test_why_shapes_are_missing():
    sequence = Known("s", helper.make_sequence_type_proto(tensor_type(1, (2,))))
    inputs = [sequence, None, known("u", None)]
    layer = walk().layer(Scope(), helper.make_node("Op", [], []), inputs, [])
    assert layer.missing == ("s is not a tensor", "u has no static shape")
    assert layer.reads == ("s", "", "u")


def test_a_name_is_written_once():
    state, scope = walk(), Scope()
    node = helper.make_node("Relu", ["x"], ["y"])
    state.emit(scope, node, [known("x")], [known("y")])
    with pytest.raises(ModelError, match="already written"):
        state.emit(scope, node, [known("x")], [known("y")])


def test_a_walk_ends():
    state = walk()
    state.enter(Scope(), MAX_NODES)
    with pytest.raises(ModelError, match="more than"):
        state.enter(Scope(), 1)
    with pytest.raises(ModelError, match="deeper"):
        walk().enter(Scope(depth=MAX_DEPTH + 1), 1)


def test_omitted_arguments_of_a_function_are_left_out():
    scope = Scope(names={"bias": Known("", onnx.TypeProto())})
    node = helper.make_node("Op", ["bias", ""], [])
    assert walk().inputs(scope, node) == [None, None]
