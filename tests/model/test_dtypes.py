"""Element types."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from sepcost.errors import BindingError
from sepcost.model.dtypes import DTYPES, EXOTIC, NUMBERS, numpy_dtype
from sepcost.network import BITS


def test_every_element_type_has_a_name_and_all_but_strings_a_size():
    assert set(DTYPES) == set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}
    assert set(DTYPES.values()) - set(BITS) <= {"string"}
    other = {"FLOAT": "float32", "DOUBLE": "float64"}
    for name, number in TensorProto.DataType.items():
        assert not number or DTYPES[number] == other.get(name, name.lower())


# bits of one element, from ONNX's own types
@pytest.mark.parametrize("number", sorted(set(DTYPES) - {TensorProto.STRING}))
def test_the_bits_of_an_element(number):
    stored = numpy_helper.from_array(np.zeros(16, helper.tensor_dtype_to_np_dtype(number))).raw_data
    assert BITS[DTYPES[number]] == len(stored) * 8 // 16


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - {"string"}))
def test_numpy_types_and_numbers_agree(name):
    assert helper.np_dtype_to_tensor_dtype(numpy_dtype(name)) == NUMBERS[name]
    assert (name in EXOTIC) == (numpy_dtype(name).type.__module__ == "ml_dtypes")


@pytest.mark.parametrize("name", ["", "string", "seq(float32)"])
def test_a_type_without_arrays_is_refused(name):
    with pytest.raises(BindingError, match="cannot create inputs of type"):
        numpy_dtype(name)
