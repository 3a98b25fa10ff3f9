"""Shortcuts: what they answer is what ONNX answers, and they leave to ONNX what it refuses."""

import numpy as np
import onnx
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from sepcost.model.infer import infer
from sepcost.model.shortcuts import SHORTCUTS, shortcut
from sepcost.model.values import from_array, shaped, static_shape

IMAGE, KERNEL = (2, 6, 9, 9), (4, 6, 3, 3)
CHANNELS = [(6,)] * 4

# op_type, shapes of the inputs, attributes, shape of the output
CASES = [
    *((name, [IMAGE], {}, IMAGE) for name in (
        "Abs", "Exp", "LeakyRelu", "Neg", "Relu", "Sigmoid", "Softmax", "Sqrt", "Tanh")),
    *((name, [IMAGE, (6, 1, 9)], {}, IMAGE) for name in ("Add", "Div", "Mul", "Sub")),
    *((name, [IMAGE], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]},
       (2, 6, 5, 5)) for name in ("AveragePool", "MaxPool")),
    *((name, [IMAGE], {}, (2, 6, 1, 1)) for name in ("GlobalAveragePool", "GlobalMaxPool")),
    ("BatchNormalization", [IMAGE, *CHANNELS], {"epsilon": 1e-3}, IMAGE),
    ("Concat", [IMAGE, (2, 1, 9, 9)], {"axis": 1}, (2, 7, 9, 9)),
    ("Conv", [IMAGE, KERNEL, (4,)], {"strides": [2, 3], "dilations": [1, 2]}, (2, 4, 4, 2)),
    ("Conv", [IMAGE, KERNEL], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, (2, 4, 9, 9)),
]  # fmt: skip


def node_of(op_type, inputs, attributes):
    return helper.make_node(op_type, [f"x{k}" for k in range(inputs)], ["y"], **attributes)


def values(shapes, kind=TensorProto.FLOAT):
    return [shaped(f"x{k}", kind, shape) for k, shape in enumerate(shapes)]


def asked(node, inputs, opset):
    (type_,) = infer(node, inputs, opset, 10)
    return type_.tensor_type.elem_type, static_shape(type_)


@pytest.mark.parametrize(("op_type", "shapes", "attributes", "expected"), CASES)
def test_shortcuts_by_hand_and_by_onnx(op_type, shapes, attributes, expected):
    node = node_of(op_type, len(shapes), attributes)
    found = shortcut(node, values(shapes), 17)
    assert found is not None
    assert found.shape == expected
    assert asked(node, values(shapes), 17) == (TensorProto.FLOAT, expected)


def test_large_constants_have_the_type_of_their_element():
    sizes = from_array("x0", np.array([64, 3, 7, 7], np.int64))
    node = node_of("ConstantOfShape", 1, {})
    half = numpy_helper.from_array(np.ones(1, np.float16))
    typed = node_of("ConstantOfShape", 1, {"value": half})
    for one, kind in ((node, TensorProto.FLOAT), (typed, TensorProto.FLOAT16)):
        found = shortcut(one, [sizes], 9)
        assert found is not None
        assert (found.elem_type, found.shape) == asked(one, [sizes], 9) == (kind, (64, 3, 7, 7))
    assert shortcut(node, [sizes], 8) is None  # which has no such operator


def test_every_shortcut_has_a_case():
    assert {op_type for op_type, *_ in CASES} | {"ConstantOfShape"} == set(SHORTCUTS)


@pytest.mark.parametrize(
    ("op_type", "shapes", "attributes"),
    [
        ("Relu", [IMAGE], {"alpha": 1.0}),  # an attribute that it does not have
        ("Relu", [IMAGE, IMAGE], {}),
        ("Concat", [IMAGE, IMAGE], {}),  # no axis
        ("Concat", [IMAGE, IMAGE], {"axis": 4}),
        ("Concat", [IMAGE, IMAGE], {"axis": -1}),
        ("Concat", [IMAGE, KERNEL], {"axis": 1}),
        ("Add", [IMAGE, (5, 1, 1)], {}),
        ("BatchNormalization", [IMAGE, *CHANNELS[:3], (5,)], {}),
        ("Conv", [IMAGE, KERNEL], {"auto_pad": "SAME_UPPER"}),
        ("Conv", [IMAGE, KERNEL], {"strides": [1.0, 1.0]}),
        ("Conv", [IMAGE, KERNEL], {"pads": [0]}),
        ("MaxPool", [IMAGE], {"kernel_shape": [2, 2], "ceil_mode": 1}),
        ("MaxPool", [IMAGE], {"kernel_shape": [11, 11]}),
        ("Softmax", [IMAGE], {"axis": 4}),
    ],
)
def test_everything_uncertain_is_left_to_onnx(op_type, shapes, attributes):
    node = node_of(op_type, len(shapes), attributes)
    assert shortcut(node, values(shapes), 17) is None


def test_unknown_shapes_other_domains_and_more_outputs_are_left_to_onnx():
    node = node_of("Relu", 1, {})
    (known,) = values([IMAGE])
    assert shortcut(node, [shaped("x0", 0, IMAGE)], 17) is None
    assert shortcut(node, [None], 17) is None
    assert shortcut(node, [], 17) is None
    assert shortcut(node, [known], 6) is None
    node.domain = "com.acme"
    assert shortcut(node, [known], 17) is None
    pool = helper.make_node("MaxPool", ["x0"], ["y", "i"], kernel_shape=[2, 2])
    assert shortcut(pool, [known], 17) is None
    mixed = [*values([IMAGE]), *values([IMAGE], TensorProto.INT64)]
    assert shortcut(node_of("Add", 2, {}), mixed, 17) is None


SIZES = st.sampled_from([0, 1, 1, 2, 3, 4, 6])


@st.composite
def questions(draw):
    """An operator, shapes that often fit it, and attributes that often do."""
    op_type, rank = draw(st.sampled_from(sorted(SHORTCUTS))), draw(st.integers(1, 5))
    data, other = (draw(st.tuples(*[SIZES] * rank)) for _ in range(2))
    axis = draw(st.integers(-1, rank))
    joined = (*data[:axis], 2, *data[axis + 1 :])
    fits = [[data], [data, other], [data, joined], [data, data[axis:]], [data, *[data[1:2]] * 4]]
    shapes = draw(st.sampled_from(fits))

    def integers(count, least):
        return draw(st.lists(st.integers(least, 3), min_size=count, max_size=count))

    spatial = max(rank - 2, 1)
    window = {"kernel_shape": integers(spatial, 1), "pads": integers(2 * spatial, 0),
              "strides": integers(spatial, 1), "dilations": integers(spatial, 0)}  # fmt: skip
    if op_type == "Conv" and rank > 2:
        window["kernel_shape"] = [*shapes[-1][2:]] or [1]
    given_ = draw(st.sets(st.sampled_from(sorted(window))))
    attributes = {name: value for name, value in window.items() if name in given_}
    attributes |= {"axis": axis, "alpha": 0.1, "epsilon": 0.1, "count_include_pad": 1, "group": 1}
    return op_type, shapes, {
        name: value for name, value in attributes.items() if name in SHORTCUTS[op_type].attributes
    }  # fmt: skip


@given(questions(), st.integers(7, onnx.defs.onnx_opset_version()))
@settings(max_examples=500)
def test_a_shortcut_gives_the_answer_of_onnx(question, opset):
    op_type, shapes, attributes = question
    node = node_of(op_type, len(shapes), attributes)
    found = shortcut(node, values(shapes), opset)
    event(f"{op_type}: {found is not None}")
    if found is not None:
        assert (found.elem_type, found.shape) == asked(node, values(shapes), opset)
