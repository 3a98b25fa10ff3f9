"""The backward walk: values that it reaches, omits and needs."""

from __future__ import annotations

import onnx

from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import Tape, backward

HEAD = (
    '<ir_version: 8, opset_import: ["" : 18]>\nnet (float[1, 2, 4, 4] x) => (float[1, 2, 4, 4] y)'
)


def reached(body: str, *wanted: str) -> tuple[dict[str, str], Tape]:
    network = describe(Loaded("net", "net", onnx.parser.parse_model(HEAD + body)))
    tape = Tape(network.values, lambda _: None)
    return backward(network.layers, tape, ["y"], wanted, RULES), tape


def test_every_value_that_leads_to_the_output_is_reached() -> None:
    found, _ = reached("{ a = Relu (x) b = Neg (a) c = Exp (a) y = Add (b, c) }", "a", "b", "c")
    assert set(found) == {"a", "b", "c"}


def test_a_value_that_leads_nowhere_has_no_gradient() -> None:
    found, _ = reached("{ a = Relu (x) b = Neg (a) y = Exp (x) }", "a", "b")
    assert not found


def test_values_before_an_unknown_operator_are_left_out() -> None:
    body = "{ a = Relu (x) b = CumSum (a, k) c = Neg (b) y = Exp (c) }"
    found, _ = reached("\n<int64 k = {1}>" + body, "a", "b", "c")
    assert set(found) == {"b", "c"}


def test_a_partial_gradient_is_dropped() -> None:
    body = "{ a = Relu (x) b = CumSum (a, k) c = Neg (a) y = Add (b, c) }"
    found, _ = reached("\n<int64 k = {1}>" + body, "a", "c")
    assert set(found) == {"c"}


def test_a_shape_that_is_read_has_no_gradient() -> None:
    found, _ = reached("{ a = Relu (x) s = Shape (a) b = Neg (a) y = Reshape (b, s) }", "a")
    assert set(found) == {"a"}


def test_only_layers_after_the_wanted_values_are_visited() -> None:
    _, tape = reached("{ a = Exp (x) b = Exp (a) c = Neg (b) y = Neg (c) }", "c")
    assert set(tape.fed) == {"c"}  # the inputs of the last layer
