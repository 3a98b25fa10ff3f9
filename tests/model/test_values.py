"""What is known of one value."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sepcost.model.values import (
    FOLD_ELEMENTS,
    Known,
    from_array,
    from_tensor,
    numbers_in,
    opaque,
    static_shape,
    tensor_type,
    text,
)


def test_names_that_are_no_utf8_become_text():
    assert text("näme") == "näme"
    assert text(b"a\xff\x1b") == "a\\xff\x1b"


# a dimension without a number, a negative one, no rank, no tensor
@pytest.mark.parametrize(
    ("type_", "shape"),
    [
        (tensor_type(1, (2, 3)), (2, 3)),
        (tensor_type(1, ()), ()),
        (tensor_type(1, (0,)), (0,)),
        (tensor_type(1, None), None),
        (helper.make_tensor_type_proto(1, [2, "N"]), None),
        (helper.make_tensor_type_proto(1, [2, None]), None),
        (helper.make_tensor_type_proto(1, [2, -1]), None),
        (helper.make_sparse_tensor_type_proto(1, [2, 3]), (2, 3)),
        (helper.make_sequence_type_proto(tensor_type(1, (2,))), None),
        (helper.make_optional_type_proto(tensor_type(1, (2,))), None),
        (onnx.TypeProto(), None),
    ],
)
def test_static_shape(type_, shape):
    assert static_shape(type_) == shape
    assert Known("x", type_).shape == shape


def test_a_small_initializer_keeps_its_content():
    known = from_tensor("w", numpy_helper.from_array(np.array([[1, 2]], np.int64)))
    assert (known.shape, known.dtype, known.constant) == ((1, 2), "int64", True)
    assert known.array is not None
    assert known.array.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "tensor",
    [
        numpy_helper.from_array(np.zeros(FOLD_ELEMENTS + 1)),
        TensorProto(data_type=1, dims=[2], data_location=TensorProto.EXTERNAL),
        TensorProto(data_type=1, dims=[2]),  # stripped of its data
        TensorProto(data_type=TensorProto.STRING, dims=[1], string_data=[b"x"]),
        helper.make_tensor("", TensorProto.BFLOAT16, [1], [1.0]),
    ],
)
def test_other_content_is_not_known(tensor):
    known = from_tensor("w", tensor)
    assert known.constant
    assert known.array is None
    assert known.shape == tuple(tensor.dims)


def test_an_empty_tensor_is_known():
    known = from_tensor("w", TensorProto(data_type=7, dims=[0]))
    assert known.array is not None
    assert known.array.shape == (0,)


@pytest.mark.parametrize("array", [np.float32(3), np.zeros((2, 0), np.int8), np.array([True])])
def test_a_computed_constant(array):
    known = from_array("c", np.asarray(array))
    assert (known.shape, known.dtype) == (array.shape, array.dtype.name)
    assert known.array is not None
    assert known.tensor is not None
    assert np.array_equal(known.array, array)
    assert np.array_equal(numpy_helper.to_array(known.tensor), array)


def test_another_type_forgets_the_content():
    known = from_array("c", np.ones(3))
    known.retype(tensor_type(TensorProto.FLOAT, (5,)))
    assert (known.shape, known.array, known.tensor) == ((5,), None, None)


def test_nothing_is_known_of_the_opaque():
    known = opaque("x")
    assert (known.shape, known.dtype, known.constant, known.array) == (None, "", False, None)


def test_numbers_in():
    assert numbers_in(helper.make_tensor("", TensorProto.INT64, [3], [1, 2, 3])) == 3
    assert numbers_in(TensorProto(raw_data=b"1234")) == 0
