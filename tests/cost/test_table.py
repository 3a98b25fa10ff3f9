"""The table of operators: every one of ONNX and ONNX Runtime, each in one row."""

import onnx.defs
import onnxruntime.capi.onnxruntime_pybind11_state as runtime
import pytest

from sepcost.cost import operators
from sepcost.cost.operators import FREE, NO_FORMULA, OPERATORS, ROWS
from sepcost.cost.rows import Row, table

TENSORRT = {
    "DisentangledAttention_TRT", "EfficientNMS_TRT", "MultilevelCropAndResize_TRT",
    "PyramidROIAlign_TRT", "GRUUnit",
}  # fmt: skip

PARTS = ("_CONVOLUTIONS", "_ONNX", "_ML", "_MICROSOFT", "_OTHERS")
KNOWN = set(OPERATORS) | FREE | set(NO_FORMULA)


def test_no_standard_operator_is_forgotten():
    standard = {(s.domain, s.name) for s in onnx.defs.get_all_schemas_with_history()}
    experimental = {("", "ATen"), ("", "GRUUnit")}
    assert standard - KNOWN - experimental == set()


def test_no_operator_of_onnx_runtime_is_forgotten():
    schemas = {(s.domain, s.name) for s in runtime.get_all_operator_schema()}
    assert {key for key in schemas - KNOWN if key[1] not in TENSORRT} == set()


def test_the_three_classes_do_not_overlap():
    assert not FREE & set(OPERATORS)
    assert not FREE & set(NO_FORMULA)
    assert not set(OPERATORS) & set(NO_FORMULA)


def test_no_operator_is_listed_twice():
    parts = [getattr(operators, name) for name in vars(operators) if name in PARTS]
    assert len(parts) == len(PARTS)
    assert len(ROWS) == sum(map(len, parts))
    with pytest.raises(ValueError, match="d::a is listed twice"):
        table("d", (Row(), "a b"), (Row(), "c a"))


def test_uncounted_operators_have_no_formulas():
    assert NO_FORMULA
    for name in NO_FORMULA:
        assert ROWS[name] == Row(uncounted=NO_FORMULA[name])
