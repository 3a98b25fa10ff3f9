"""Every operator of ONNX and ONNX Runtime is counted, free, or known to have no formula."""

import onnx.defs
import onnxruntime.capi.onnxruntime_pybind11_state as runtime
import pytest

from sepcost.cost.element_tables import BIAS, INPUT, MOVERS, OUTPUT
from sepcost.cost.operators import FREE, NO_FORMULA, OPERATORS

TENSORRT = {
    "DisentangledAttention_TRT", "EfficientNMS_TRT", "MultilevelCropAndResize_TRT",
    "PyramidROIAlign_TRT", "GRUUnit",
}  # fmt: skip

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


@pytest.mark.parametrize("table", [OUTPUT, INPUT, MOVERS, BIAS])
def test_element_tables_name_only_known_operators(table):
    assert set(table) <= KNOWN


def test_element_tables_do_not_overlap():
    assert not set(OUTPUT) & set(INPUT)
    assert not (set(OUTPUT) | set(INPUT)) & MOVERS
