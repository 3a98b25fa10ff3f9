"""Outputs of a model compared with those of its baseline."""

import pytest

from sepcost.budget.results import Reading
from sepcost.errors import ModelError
from sepcost.evidence.outputs import compared
from tests.cli import models

SCALED = "g (float[N, 4] x) => (float[N, 4] y) <float s = {%s}> { y = Mul (x, s) }"


def test_a_scaled_output_is_off_by_the_scale(tmp_path):
    """‖x - 1.5·x‖ / ‖x‖ = 0.5, in the same direction."""
    old = models.save(tmp_path, SCALED % "1", "old.onnx")
    new = models.save(tmp_path, SCALED % "1.5", "new.onnx")
    found = compared([old, new], {"bind": {"N": 3}})
    assert found["max-output-error"].value == pytest.approx(0.5, rel=1e-6)
    assert found["min-output-cosine"].value == pytest.approx(1.0, rel=1e-6)
    assert found["min-top1-agreement"] == Reading(1.0, 1.0, 1.0)


def test_a_model_equals_itself(tmp_path):
    path = models.conv(tmp_path)
    assert compared([path, path], {})["max-output-error"] == Reading(0.0, 0.0, 0.0)


def test_non_finite_outputs_give_no_number(tmp_path):
    old = models.save(tmp_path, SCALED % "1", "old.onnx")
    body = "g (float[N, 4] x) => (float[N, 4] y) <float s = {0}> { y = Div (x, s) }"
    assert compared([old, models.save(tmp_path, body)], {}) == {}


RELU = "g (float[1, 4] x) => (float[1, 4] y) { y = Relu (x) }"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (RELU.replace("x", "z"), "has inputs ['z'], but the baseline has ['x']"),
        (RELU.replace("y", "z"), "has outputs ['z'], but the baseline has ['y']"),
        (
            "g (float[1, 4] x) => (float[2, 4] y) { y = Concat <axis = 0> (x, x) }",
            "output 'y' has shape [2, 4], but [1, 4] in the baseline; the outputs cannot be "
            "compared",
        ),
    ],
)
def test_models_with_different_inputs_or_outputs_are_not_comparable(tmp_path, other, message):
    old, new = models.save(tmp_path, RELU, "old.onnx"), models.save(tmp_path, other)
    with pytest.raises(ModelError) as caught:
        compared([old, new], {})
    assert str(caught.value).removeprefix(f"{new}: ") == message
