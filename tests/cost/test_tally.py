"""The status of one layer: counted, free, unknown or unresolved."""

from dataclasses import replace

import pytest

from sepcost.cost.operators import OPERATORS
from sepcost.cost.results import Conventions, CountStatus
from sepcost.cost.tally import tally
from sepcost.errors import SepcostError
from sepcost.network import ABSENT
from tests.cost.build import layer

DEFAULT = Conventions()
MATMUL = layer("MatMul", [(2, 3), (3, 4)], [(2, 4)])
ACME = layer("MyOp", [(2, 3)], [(2, 5)], "com.acme")


def test_counted_free_and_unknown():
    assert tally(MATMUL, OPERATORS, DEFAULT).macs == 24
    free = tally(layer("Relu", [(2, 3)], [(2, 3)]), OPERATORS, DEFAULT)
    assert (free.status, free.macs, free.elementwise_ops) == (CountStatus.FREE, 0, 6)
    unknown = tally(ACME, OPERATORS, DEFAULT)
    assert (unknown.status, unknown.macs, unknown.elementwise_ops) == (
        CountStatus.UNKNOWN,
        None,
        None,
    )
    assert unknown.reason == "no formula for this operator"


def test_an_operator_without_an_agreed_formula_says_why():
    found = tally(layer("DFT", [(1, 8, 1)], [(1, 8, 2)]), OPERATORS, DEFAULT)
    assert (found.status, found.macs) == (CountStatus.UNKNOWN, None)
    assert "algorithm" in (found.reason or "")


def test_the_default_domain_has_two_spellings():
    assert tally(replace(MATMUL, domain="ai.onnx"), OPERATORS, DEFAULT).macs == 24


def test_a_missing_shape_is_unresolved_not_zero():
    cut = replace(MATMUL, outputs=(ABSENT,), missing=("y has no static shape",))
    found = tally(cut, OPERATORS, DEFAULT)
    assert (found.status, found.macs) == (CountStatus.UNRESOLVED, None)
    assert found.reason == "y has no static shape"


def test_a_missing_shape_that_the_formula_does_not_need_is_ignored():
    gemm = layer("Gemm", [(2, 3), (3, 4), ABSENT], [(2, 4)])
    cut = replace(gemm, missing=("c has no static shape",))
    found = tally(cut, OPERATORS, DEFAULT)
    assert (found.status, found.macs) == (CountStatus.COUNTED, 24)
    assert found.elementwise_ops is None


def test_an_unknown_optional_shape_does_not_count_as_absent():
    inputs = [(1, 2, 3, 8), (1, 2, 5, 8), (1, 2, 5, 8), ABSENT, ABSENT]
    node = layer("Attention", inputs, [(1, 2, 3, 8)])
    cut = replace(node, missing=("past",), reads=("q", "k", "v", "", "past"), writes=("y",))
    assert tally(cut, OPERATORS, DEFAULT).status is CountStatus.UNRESOLVED
    left_out = replace(cut, reads=("q", "k", "v", "", ""))
    assert tally(left_out, OPERATORS, DEFAULT).macs == 5 * (2 * 3 * 8) * 2


def test_an_unknown_trip_count_is_unresolved_if_there_is_something_to_multiply():
    found = tally(replace(MATMUL, trips=None), OPERATORS, DEFAULT)
    assert (found.status, found.macs) == (CountStatus.UNRESOLVED, None)
    assert "--trips" in (found.reason or "")
    relu = replace(layer("Relu", [(2,)], [(2,)]), trips=None)
    assert tally(relu, OPERATORS, DEFAULT).status is CountStatus.FREE


def test_users_bring_formulas_and_override_free_ones():
    table = {**OPERATORS, ("com.acme", "MyOp"): lambda node: node.inputs[0][0] * 7}
    assert tally(ACME, table, DEFAULT).macs == 14
    relu = layer("Relu", [(2, 3)], [(2, 3)])
    assert tally(relu, {("", "Relu"): lambda _: 5}, DEFAULT).macs == 5


@pytest.mark.parametrize("formula", [lambda _: 1 // 0, lambda _: "12", lambda _: 1.5, lambda _: -1])
def test_a_broken_formula_is_named(formula):
    table = {("com.acme", "MyOp"): formula}
    with pytest.raises(SepcostError, match=r"formula for com\.acme::MyOp failed at node 'MyOp'"):
        tally(ACME, table, DEFAULT)


def test_shapes_that_do_not_fit_a_built_in_formula_are_unresolved():
    found = tally(layer("Gemm", [(2,), (3, 4)], [(2, 4)]), OPERATORS, DEFAULT)
    assert found.status is CountStatus.UNRESOLVED
    assert "do not fit" in (found.reason or "")


def test_bias_as_macs_moves_it_from_the_element_operations():
    conv = layer("Conv", [(1, 2, 4), (3, 2, 3), (3,)], [(1, 3, 2)])
    plain = tally(conv, OPERATORS, DEFAULT)
    biased = tally(conv, OPERATORS, Conventions(count_bias=True))
    assert (plain.macs, plain.elementwise_ops, plain.bias) == (36, 6, 0)
    assert (biased.macs, biased.elementwise_ops, biased.bias) == (42, 0, 6)


def test_transposed_convolutions_count_at_the_output_on_request():
    node = layer("ConvTranspose", [(1, 3, 4), (3, 2, 4)], [(1, 2, 10)], strides=(2,))
    at_output = Conventions(conv_transpose="output")
    assert tally(node, OPERATORS, DEFAULT).macs == 3 * 4 * 2 * 4
    assert tally(node, OPERATORS, at_output).macs == 2 * 10 * 3 * 4
    own = {("", "ConvTranspose"): lambda _: 1}
    assert tally(node, own, at_output).macs == 1
