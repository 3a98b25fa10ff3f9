"""Figures compared with numpy: over batches, with NaN, and on outputs that are not floats."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest

from sepcost.errors import ModelError
from sepcost.separable.verify import compare
from tests.separable.build import conv, converted, find, first, noise, parsed, saved

LINEAR = """<ir_version: 8, opset_import: ["" : 17]>
g (float[B,4] x) => (float[B,5] y) { y = MatMul (x, w) }"""


def linear(folder, weight, name):
    return saved(parsed(LINEAR, {"w": weight}), folder, f"{name}.onnx")


def test_figures_are_those_of_numpy(tmp_path):
    w, v, x = noise(4, 5), noise(4, 5, seed=1), noise(7, 4, seed=2)
    (found,) = compare(linear(tmp_path, w, "a"), linear(tmp_path, v, "b"), {"x": x}).outputs
    a, b = (x @ w).astype(float), (x @ v).astype(float)
    error = np.linalg.norm(a - b) / np.linalg.norm(a)
    assert found.name == "y"
    assert found.relative_error == pytest.approx(error, rel=1e-5)
    assert found.sqnr_db == pytest.approx(-20 * log10(error), rel=1e-4)
    assert found.max_abs == pytest.approx(np.abs(a - b).max(), rel=1e-5)
    cosine = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
    assert found.cosine == pytest.approx(cosine, rel=1e-4)
    assert found.top1_agreement == (a.argmax(1) == b.argmax(1)).mean()
    assert found.mismatched == 0


def test_batches_are_one_sample(tmp_path):
    models = linear(tmp_path, noise(4, 5), "a"), linear(tmp_path, noise(4, 5, seed=1), "b")
    x = noise(10, 4, seed=2)
    at_once = compare(*models, {"x": x})
    in_parts = compare(*models, ({"x": part} for part in (x[:3], x[3:4], x[4:])))
    (one,), (other,) = at_once.outputs, in_parts.outputs
    assert (at_once.batches, in_parts.batches) == (1, 3)
    assert one.top1_agreement == other.top1_agreement
    assert one.relative_error == pytest.approx(other.relative_error, rel=1e-6)
    assert one.max_abs == pytest.approx(other.max_abs, rel=1e-5)


def test_known_answers_stand_for_the_original(tmp_path):
    w, v, x = noise(4, 5), noise(4, 5, seed=1), noise(10, 4, seed=2)
    models = linear(tmp_path, w, "a"), linear(tmp_path, v, "b")
    parts = [{"x": x[:3]}, {"x": x[3:]}]
    known = [[part["x"] @ w] for part in parts]
    assert compare(*models, parts, answers=known).outputs[0].relative_error == pytest.approx(
        compare(*models, parts).outputs[0].relative_error
    )
    other = [[part["x"] @ v] for part in parts]
    assert compare(*models, parts, answers=other).relative_error == pytest.approx(0, abs=1e-6)


def test_an_exact_model_has_no_error_and_no_ratio_to_it(tmp_path):
    model = linear(tmp_path, noise(4, 5), "a")
    (found,) = compare(model, model, {"x": noise(3, 4)}).outputs
    assert (found.relative_error, found.sqnr_db, found.max_abs) == (0.0, None, 0.0)
    assert found.cosine == pytest.approx(1.0)


def test_an_output_of_zeros_has_no_relative_error(tmp_path):
    zero, other = linear(tmp_path, 0 * noise(4, 5), "a"), linear(tmp_path, noise(4, 5), "b")
    (found,) = compare(zero, other, {"x": noise(3, 4)}).outputs
    assert found.relative_error is None
    assert found.cosine is None
    assert found.max_abs is not None
    assert found.max_abs > 0


ROOT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[B,4] x) => (float[B,4] y) { s = Mul (x, w)
                                     y = Sqrt (s) }"""


def test_non_finite_elements_are_counted_and_left_out(tmp_path):
    plain = saved(parsed(ROOT, {"w": np.array([1, 1, 1, 1], np.float32)}), tmp_path, "a.onnx")
    signed = saved(parsed(ROOT, {"w": np.array([1, 1, -1, 1], np.float32)}), tmp_path, "b.onnx")
    x = np.array([[-1, 1, 4, np.inf]], np.float32)
    fidelity = compare(plain, signed, {"x": x})
    (found,) = fidelity.outputs
    assert found.mismatched == 1
    assert (found.relative_error, found.max_abs) == (0.0, 0.0)
    assert fidelity.relative_error is None
    assert compare(plain, plain, {"x": x}).relative_error == 0.0


def test_outputs_that_are_not_floats_are_compared_too(tmp_path):
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[2,4] x) => (int64[2] top, bool[2,4] sign) {
      top = ArgMax <axis = 1, keepdims = 0> (x)
      sign = Less (x, w)
    }"""
    model = saved(parsed(text, {"w": np.array([0], np.float32)}), tmp_path)
    top, sign = compare(model, model, {"x": noise(2, 4)}).outputs
    assert (top.relative_error, sign.relative_error) == (0.0, 0.0)
    assert (top.top1_agreement, sign.top1_agreement) == (None, None)


def test_a_conversion_is_compared_without_being_saved(tmp_path):
    loaded = saved(conv(noise(32, 16, 3, 3), noise(32)), tmp_path)
    result = converted(loaded, find(loaded).eligible, first)
    (candidate,) = find(loaded).eligible
    error = compare(loaded, result, {"x": noise(2, 16, 9, 9, seed=3)}).relative_error
    assert error == pytest.approx(first(candidate).relative_error, rel=0.1)


def test_models_with_different_outputs_are_refused(tmp_path):
    one = linear(tmp_path, noise(4, 5), "a")
    other = saved(parsed(LINEAR.replace("y", "z"), {"w": noise(4, 5)}), tmp_path, "b.onnx")
    with pytest.raises(ModelError, match=r"has outputs \['z'\], but the original has \['y'\]"):
        compare(one, other, {"x": noise(3, 4)})


def test_outputs_of_different_shapes_are_refused(tmp_path):
    one, other = linear(tmp_path, noise(4, 5), "a"), linear(tmp_path, noise(4, 6), "b")
    with pytest.raises(ModelError, match=r"has shape \[3, 6\], but \[3, 5\] in the original"):
        compare(one, other, {"x": noise(3, 4)})


def test_an_error_of_the_runtime_is_one_line(tmp_path):
    broken = saved(parsed(LINEAR.replace("MatMul", "NoSuch"), {"w": noise(4, 5)}), tmp_path)
    with pytest.raises(ModelError, match="cannot run it") as caught:
        compare(broken, broken, {"x": noise(3, 4)})
    assert "\n" not in str(caught.value)
