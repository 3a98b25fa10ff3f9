"""Folding: each operator against ONNX's reference implementation and ONNX Runtime."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sepcost.model.fold import WITHOUT_NUMPY, fold
from sepcost.model.folds import FOLDS
from sepcost.model.values import FOLD_ELEMENTS, Known, from_array, opaque, tensor_type
from tests.model.build import run, session

INTS = np.array([[3, -7, 5], [2, 0, -4]], np.int64)
FLOATS = np.array([[1.5, -2.5, 0.5], [4.0, 0.25, -1.0]], np.float32)
BOOLS = np.array([[True, False, True], [False, False, True]])
SHAPE = np.array([2, 0, 5, -1], np.int64)


def i64(*values):
    return np.array(values, np.int64)


def scalar(value):
    return np.array(value, np.int64)


def f32(*values):
    return np.array(values, np.float32)


# op_type, inputs, attributes, opset
CASES = [
    ("Shape", [FLOATS], {}, 17),
    ("Shape", [FLOATS], {"start": 1}, 17),
    ("Shape", [FLOATS], {"start": -5, "end": -1}, 17),
    ("Size", [FLOATS], {}, 17),
    ("Identity", [INTS], {}, 17),
    ("Gather", [INTS, scalar(-1)], {}, 17),
    ("Gather", [INTS, i64(0, 2)], {"axis": 1}, 17),
    ("Gather", [INTS, i64(0, 2).reshape(2, 1)], {"axis": -1}, 17),
    ("GatherElements", [INTS, i64(0, 2, 1, -1).reshape(2, 2)], {"axis": 1}, 17),
    ("GatherND", [INTS, i64(1, 2, 0, 0).reshape(2, 2)], {}, 17),
    ("GatherND", [INTS, i64(1).reshape(1, 1)], {}, 17),
    ("ScatterND", [i64(1, 2, 3), i64(0, 2).reshape(2, 1), i64(7, 9)], {}, 17),
    ("ScatterND", [INTS, i64(1).reshape(1, 1), i64(7, 8, 9).reshape(1, 3)], {}, 17),
    ("Concat", [i64(1), i64(2, 3), i64(4)], {"axis": 0}, 17),
    ("Concat", [INTS, INTS], {"axis": -1}, 17),
    ("Split", [INTS], {"axis": 1, "split": [1, 2]}, 11),
    ("Split", [INTS, i64(2, 1)], {"axis": -1}, 17),
    ("Split", [i64(1, 2, 3, 4)], {}, 17),
    ("Split", [i64(1, 2, 3, 4, 5)], {"num_outputs": 2}, 18),
    ("Slice", [INTS], {"starts": [1], "ends": [9], "axes": [1]}, 9),
    ("Slice", [INTS], {"starts": [0, -2], "ends": [1, 9]}, 9),
    ("Slice", [INTS, i64(0), i64(-1)], {}, 17),
    ("Slice", [INTS, i64(2), i64(-9), i64(1), i64(-1)], {}, 17),
    ("Slice", [INTS, i64(9), i64(0), i64(-1), i64(-2)], {}, 17),
    ("Slice", [SHAPE, i64(0), i64(2**63 - 1), i64(0), i64(2)], {}, 17),
    ("Unsqueeze", [i64(4)], {"axes": [0, 2]}, 11),
    ("Unsqueeze", [scalar(4), i64(-1)], {}, 17),
    ("Unsqueeze", [FLOATS, i64(-1, 0, 2)], {}, 17),
    ("Unsqueeze", [BOOLS], {"axes": [-1, 1]}, 11),
    ("Squeeze", [INTS.reshape(1, 2, 3, 1)], {"axes": [0]}, 11),
    ("Squeeze", [INTS.reshape(1, 2, 3, 1)], {}, 17),
    ("Squeeze", [INTS.reshape(1, 2, 3, 1), i64(-1)], {}, 17),
    ("Reshape", [INTS, i64(0, -1, 1)], {}, 17),
    ("Reshape", [i64().reshape(0, 3), i64(3, 0)], {"allowzero": 1}, 17),
    ("Flatten", [INTS.reshape(1, 2, 3)], {}, 17),
    ("Flatten", [INTS.reshape(1, 2, 3)], {"axis": -1}, 17),
    ("Flatten", [INTS.reshape(1, 2, 3)], {"axis": 0}, 17),
    ("Transpose", [INTS.reshape(1, 2, 3)], {}, 17),
    ("Transpose", [INTS.reshape(1, 2, 3)], {"perm": [2, 0, 1]}, 17),
    ("Cast", [FLOATS], {"to": TensorProto.INT64}, 17),
    ("Cast", [INTS], {"to": TensorProto.FLOAT16}, 17),
    ("Cast", [INTS], {"to": TensorProto.BOOL}, 17),
    ("CastLike", [FLOATS, INTS], {}, 17),
    ("ConstantOfShape", [i64(2, 3)], {}, 17),
    ("ConstantOfShape", [i64()], {"value": numpy_helper.from_array(i64(7))}, 17),
    ("Range", [scalar(2), scalar(9), scalar(3)], {}, 17),
    ("Range", [scalar(9), scalar(2), scalar(-2)], {}, 17),
    ("Range", [scalar(9), scalar(2), scalar(2)], {}, 17),
    ("Range", [f32(0.5)[0], f32(2.0)[0], f32(0.25)[0]], {}, 17),
    ("Expand", [i64(1, 2, 3), i64(2, 1)], {}, 17),
    ("Expand", [i64(1), i64(2, 2)], {}, 17),
    ("Tile", [INTS, i64(2, 1)], {}, 17),
    ("Add", [INTS, i64(1, 2, 3)], {}, 17),
    ("Sub", [INTS, scalar(2)], {}, 17),
    ("Mul", [FLOATS, FLOATS], {}, 17),
    ("Div", [INTS, scalar(2)], {}, 17),
    ("Div", [INTS, scalar(-2)], {}, 17),
    ("Div", [FLOATS, f32(4.0)], {}, 17),
    ("Mod", [INTS, scalar(3)], {}, 17),
    ("Mod", [INTS, scalar(-3)], {}, 17),
    ("Mod", [FLOATS, f32(0.75)], {"fmod": 1}, 17),
    ("Pow", [INTS, scalar(2)], {}, 17),
    ("Pow", [FLOATS, f32(2.0)], {}, 17),
    ("Neg", [INTS], {}, 17),
    ("Abs", [INTS], {}, 17),
    ("Sign", [INTS], {}, 17),
    ("Floor", [FLOATS], {}, 17),
    ("Ceil", [FLOATS], {}, 17),
    ("Round", [FLOATS], {}, 17),
    ("Sqrt", [FLOATS * FLOATS], {}, 17),
    ("Exp", [FLOATS], {}, 17),
    ("Log", [FLOATS * FLOATS], {}, 17),
    ("Max", [INTS, i64(1, 2, 3), scalar(0)], {}, 17),
    ("Min", [INTS], {}, 17),
    ("Sum", [FLOATS, f32(1.0), FLOATS], {}, 17),
    ("Clip", [FLOATS], {"min": 0.0, "max": 1.0}, 6),
    ("Clip", [INTS, scalar(0), scalar(4)], {}, 17),
    ("Clip", [INTS, scalar(0)], {}, 17),
    ("Equal", [INTS, i64(3, 0, 5)], {}, 17),
    ("Less", [INTS, scalar(2)], {}, 17),
    ("Greater", [INTS, scalar(2)], {}, 17),
    ("LessOrEqual", [INTS, scalar(2)], {}, 17),
    ("GreaterOrEqual", [INTS, scalar(2)], {}, 17),
    ("Not", [BOOLS], {}, 17),
    ("And", [BOOLS, ~BOOLS], {}, 17),
    ("Or", [BOOLS, ~BOOLS], {}, 17),
    ("Xor", [BOOLS, BOOLS[0]], {}, 17),
    ("Where", [BOOLS, INTS, scalar(0)], {}, 17),
    ("NonZero", [INTS], {}, 17),
    ("CumSum", [INTS, scalar(1)], {}, 17),
    ("CumSum", [INTS, scalar(-1)], {"exclusive": 1}, 17),
    ("CumSum", [INTS, scalar(0)], {"reverse": 1, "exclusive": 1}, 17),
    ("ReduceProd", [INTS], {}, 17),
    ("ReduceProd", [INTS], {"axes": [-1], "keepdims": 0}, 17),
    ("ReduceSum", [INTS, i64(0)], {}, 17),
    ("ReduceSum", [INTS, i64()], {"noop_with_empty_axes": 1}, 17),
    ("ReduceMean", [FLOATS], {"axes": [1]}, 17),
    ("ReduceMax", [INTS], {"axes": [0]}, 17),
    ("ReduceMin", [INTS, i64(0)], {}, 18),
]


def node_of(op_type, count, attributes):
    outputs = 1
    if op_type == "Split":
        outputs = 2
    names = [f"x{k}" for k in range(count)]
    return helper.make_node(op_type, names, [f"y{k}" for k in range(outputs)], **attributes)


def folded(op_type, arrays, attributes):
    node = node_of(op_type, len(arrays), attributes)
    return fold(node, [from_array("", np.asarray(array)) for array in arrays])


def model_of(op_type, arrays, attributes, opset):
    node = node_of(op_type, len(arrays), attributes)
    inputs = [
        helper.make_tensor_value_info(f"x{k}", helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for k, a in enumerate(arrays)
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output]
    graph = helper.make_graph([node], "g", inputs, outputs)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def same(found, expected):
    return len(found) == len(expected) and all(
        known.array.dtype == array.dtype
        and known.shape == array.shape == known.array.shape
        and np.allclose(known.array, array)
        for known, array in zip(found, map(np.asarray, expected), strict=True)
    )


@pytest.mark.parametrize(("op_type", "arrays", "attributes", "opset"), CASES)
def test_folding_agrees_with_onnx_runtime_and_the_reference(op_type, arrays, attributes, opset):
    arrays = [np.asarray(array) for array in arrays]
    found = folded(op_type, arrays, attributes)
    assert found is not None
    model = model_of(op_type, arrays, attributes, opset)
    feeds = {f"x{k}": array for k, array in enumerate(arrays)}
    assert same(found, run(model, feeds))
    assert same(found, list(ReferenceEvaluator(model).run(None, feeds)))


def test_every_operator_of_the_table_has_a_witness():
    assert {op_type for op_type, *_ in CASES} == {*FOLDS, *WITHOUT_NUMPY}


def open_model(op_type, ranks):
    """One node over int64 inputs of any size."""
    model = model_of(op_type, [np.zeros((1,) * rank, np.int64) for rank in ranks], {}, 17)
    for value in model.graph.input:
        for k, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.dim_param = f"{value.name}_{k}"
    return model


def feeds_of(arrays):
    return {f"x{k}": array for k, array in enumerate(arrays)}


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Less"])
def test_integer_arithmetic_agrees_with_onnx_runtime(op_type):
    witness = session(open_model(op_type, [1, 0]))

    @given(st.lists(st.integers(-(2**31), 2**31), min_size=1, max_size=6), st.integers(-999, 999))
    @settings(max_examples=30)
    def holds(sizes, other):
        arrays = [i64(*sizes), scalar(other or 7)]
        assert same(folded(op_type, arrays, {}), witness.run(None, feeds_of(arrays)))

    holds()


def test_slices_agree_with_onnx_runtime():
    witness = session(open_model("Slice", [1] * 5))
    bounds = st.one_of(st.integers(-9, 9), st.sampled_from([-(2**62), 2**62]))

    @given(st.integers(1, 6), bounds, bounds, st.integers(-3, 3).filter(bool))
    def holds(size, start, end, step):
        arrays = [np.arange(size), i64(start), i64(end), i64(0), i64(step)]
        assert same(folded("Slice", arrays, {}), witness.run(None, feeds_of(arrays)))

    holds()


@pytest.mark.parametrize("size", range(1, 8))
def test_equal_parts_agree_with_the_reference(size):
    """All parts have the same size except the last, which may be smaller."""
    model = model_of("Split", [np.arange(size)], {"num_outputs": 2}, 18)
    expected = ReferenceEvaluator(model).run(None, {"x0": np.arange(size)})
    assert same(folded("Split", [np.arange(size)], {"num_outputs": 2}), expected)


def test_shapes_of_a_repeated_element_need_no_numpy():
    """Models with random weights have hundreds of these; only a reader of the contents needs it."""
    filled = fold(node_of("ConstantOfShape", 1, {}), [from_array("", i64(3))])
    assert filled is not None
    found = fold(node_of("Unsqueeze", 1, {"axes": [1, 2]}), [*filled])
    assert found is not None
    wide = found[0]
    assert wide.shape == (3, 1, 1)
    assert wide.has_contents
    assert wide._array is wide._tensor is None
    assert same([wide], [np.zeros((3, 1, 1), np.float32)])


# --- not folded


def test_data_dependent_values_are_not_folded():
    node = helper.make_node("Add", ["a", "b"], ["y"])
    data = Known("a", tensor_type(TensorProto.FLOAT, (1,)))
    assert fold(node, [data, from_array("", f32(1.0))]) is None
    assert fold(helper.make_node("Shape", ["a"], ["y"]), [opaque("a")]) is None


def test_a_shape_is_known_even_if_the_data_are_not():
    data = Known("a", tensor_type(TensorProto.FLOAT, (2, 3)))
    found = fold(helper.make_node("Shape", ["a"], ["y"]), [data])
    assert found is not None
    assert same(found, [i64(2, 3)])


def test_operators_of_other_domains_are_not_folded():
    node = helper.make_node("Add", ["a", "b"], ["y"], domain="com.acme")
    assert fold(node, [from_array("", f32(1.0))] * 2) is None


def cube(axis):
    shape = [1, 1, 1]
    shape[axis] = FOLD_ELEMENTS
    return np.zeros(shape, bool)


# small inputs with huge results, or without a result
@pytest.mark.parametrize(
    ("op_type", "arrays", "attributes"),
    [
        ("ConstantOfShape", [i64(2**20, 2**20)], {}),
        ("ConstantOfShape", [i64(0, 2**62)], {}),
        ("ConstantOfShape", [i64(-1)], {}),
        ("Expand", [i64(1), i64(2**40)], {}),
        ("Tile", [i64(1), i64(2**40)], {}),
        ("Range", [scalar(0), scalar(2**62), scalar(1)], {}),
        ("Range", [scalar(0), scalar(5), scalar(0)], {}),
        ("Where", [cube(0), cube(1), cube(2)], {}),
        ("Max", [cube(0), cube(1), cube(2)], {}),
        ("Clip", [cube(0), cube(1), cube(2)], {}),
        ("Concat", [cube(0), cube(0)], {"axis": 0}),
        ("Div", [INTS, scalar(0)], {}),
        ("Mod", [INTS, scalar(0)], {}),
        ("Gather", [INTS, scalar(9)], {}),
        ("Concat", [INTS, INTS], {}),
        ("Concat", [INTS, INTS], {"axis": 7}),
        ("Reshape", [INTS, i64(4)], {}),
        ("Squeeze", [INTS, i64(1)], {}),
        ("Unsqueeze", [INTS, i64(1, 1)], {}),
        ("Unsqueeze", [INTS, i64(3)], {}),
        ("Unsqueeze", [INTS, i64(-4)], {}),
        ("Unsqueeze", [INTS, i64(*range(63))], {}),  # more dimensions than numpy has
        ("Slice", [INTS, i64(0, 0), i64(1)], {}),
        ("Cast", [INTS], {"to": TensorProto.STRING}),
        ("Cast", [INTS], {"to": 99}),
        ("Cast", [INTS], {}),
        ("GatherND", [INTS, i64(0, 0).reshape(2, 1)], {"batch_dims": 1}),
        ("ScatterND", [INTS, i64(1).reshape(1, 1), INTS[:1]], {"reduction": "add"}),
        ("Add", [INTS], {}),
        ("Add", [INTS, i64(1, 2)], {}),
        ("Split", [INTS, i64(5, 5)], {}),
    ],
)
def test_results_that_would_grow_or_fail_are_left_to_inference(op_type, arrays, attributes):
    found = folded(op_type, arrays, attributes)
    assert found is None


@given(
    st.sampled_from(sorted({*FOLDS, *WITHOUT_NUMPY})),
    st.lists(st.sampled_from([INTS, FLOATS, BOOLS, SHAPE, scalar(3), i64(), None]), max_size=4),
    st.dictionaries(
        st.sampled_from(["axis", "axes", "perm", "to", "split", "starts", "keepdims", "start"]),
        st.one_of(st.integers(-(2**62), 2**62), st.lists(st.integers(-5, 5), min_size=1)),
    ),
)
def test_nonsense_is_folded_or_left_but_never_raises(op_type, arrays, attributes):
    node = node_of(op_type, len(arrays), attributes)
    inputs = [None if array is None else from_array("", array) for array in arrays]
    found = fold(node, inputs)
    for known in found or []:
        assert known.array is not None
        assert known.array.size <= FOLD_ELEMENTS
