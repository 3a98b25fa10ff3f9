"""Which dense layers can be converted, and why the others cannot."""

import numpy as np
import pytest
from onnx import helper

from sepcost.model.describe import describe
from sepcost.separable.find.candidates import bias, candidates, weight
from sepcost.separable.find.context import context
from tests.separable.build import conv, find, noise, parsed, saved

TEXT = """<ir_version: 9, opset_import: ["" : 17]>
g (float[3,8] x) => (float[3,6] y) { y = Gemm (x, w) }"""


def found(text, weights, folder):
    loaded = saved(parsed(text, weights), folder)
    return candidates(loaded, describe(loaded), dense=True)


def reasons(text, weights, folder):
    return [skip.reason for skip in found(text, weights, folder).skips]


def test_dense_layers_are_candidates_only_on_request(tmp_path):
    loaded = saved(parsed(TEXT, {"w": noise(8, 6)}), tmp_path)
    plain = find(loaded)
    assert (plain.eligible, plain.skips) == ((), ())
    (candidate,) = candidates(loaded, describe(loaded), dense=True).eligible
    assert (candidate.id, candidate.weight, candidate.source) == ("y", "w", "x")
    assert np.array_equal(weight(candidate), noise(8, 6).T.astype(np.float64))
    assert (candidate.has_bias, bias(candidate)) == (False, None)


def test_alpha_and_beta_are_part_of_weight_and_bias(tmp_path):
    text = TEXT.replace("Gemm (x, w)", "Gemm <alpha = 0.5, beta = 3.0, transB = 1> (x, w, b)")
    (candidate,) = found(text, {"w": noise(6, 8), "b": noise(1, 6)}, tmp_path).eligible
    assert weight(candidate) == pytest.approx(0.5 * noise(6, 8))
    assert bias(candidate) == pytest.approx(3 * noise(6))


def test_a_weight_that_is_turned_and_cast_is_followed(tmp_path):
    """As PyTorch exports a Linear on more than two axes."""
    text = """<ir_version: 9, opset_import: ["" : 17]>
    g (float[2,5,8] x) => (float[2,5,6] y) {
      c = Cast <to = 1> (w)
      t = Transpose <perm = [1, 0]> (c)
      y = MatMul (x, t)
    }"""
    (candidate,) = found(text, {"w": noise(6, 8, dtype=np.float16)}, tmp_path).eligible
    assert np.array_equal(weight(candidate), noise(6, 8, dtype=np.float16).astype(np.float64))
    assert candidate.axes == (-1, -1)
    assert candidate.stored is not None
    assert candidate.stored.dtype == "float16"


@pytest.mark.parametrize(
    ("body", "weights", "reason"),
    [
        ("y = MatMul (x, w)", {"w": noise(2, 8, 6)[:1]}, "its weight is not a matrix"),
        ("y = Gemm (x, w)", {"w": noise(8, 1)}, "no rank is cheaper"),
        (
            "q = DequantizeLinear (w, s) y = MatMul (x, q)",
            {"w": np.ones((8, 6), np.int8), "s": np.float32(0.1)},
            "its weight is stored as int8; convert the float model, then quantise",
        ),
        (
            "a = Cast <to = 2> (x) y = MatMulInteger (a, w)",
            {"w": np.ones((8, 6), np.uint8)},
            "MatMulInteger computes in integers; convert the float or QDQ model it came from",
        ),
        (
            "a = Cast <to = 6> (x) y = MatMul (a, w)",
            {"w": np.ones((8, 6), np.int32)},
            "its weight's type is int32",
        ),
    ],
)
def test_reasons(tmp_path, body, weights, reason):
    text = TEXT.replace("y = Gemm (x, w)", body).replace("float[3,6] y", "float y")
    model = parsed(text, {n: np.asarray(a) for n, a in weights.items()})
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("y", 1, None))
    loaded = saved(model, tmp_path)
    skips = candidates(loaded, describe(loaded), dense=True).skips
    assert [skip.reason for skip in skips] == [reason]


def test_a_weight_that_callers_may_replace_is_left_alone(tmp_path):
    model = parsed(TEXT, {"w": noise(8, 6)})
    model.graph.input.append(helper.make_tensor_value_info("w", 1, [8, 6]))
    loaded = saved(model, tmp_path)
    (skip,) = candidates(loaded, describe(loaded), dense=True).skips
    assert skip.reason == "its weight is also a graph input, so a caller may override it"


def test_products_of_activations_are_not_listed(tmp_path):
    text = TEXT.replace("y = Gemm (x, w)", "t = Transpose (x) y = MatMul (x, t)")
    result = found(text.replace("[3,6]", "[3,3]"), {}, tmp_path)
    assert (result.eligible, result.skips) == ((), ())


@pytest.mark.parametrize("second", ["w", "a"])
def test_quantised_products_are_listed_only_with_a_constant_matrix(tmp_path, second):
    text = """<ir_version: 9, opset_import: ["" : 17]>
    g (uint8[8,8] a) => (uint8[8,8] y) { y = QLinearMatMul (a, s, z, SECOND, s, z, s, z) }"""
    weights = {"s": np.float32(1), "z": np.uint8(0), "w": np.ones((8, 8), np.uint8)}
    arrays = {name: np.asarray(one) for name, one in weights.items()}
    result = found(text.replace("SECOND", second), arrays, tmp_path)
    reason = "QLinearMatMul computes in integers; convert the float or QDQ model it came from"
    assert [skip.reason for skip in result.skips] == [reason] * (second == "w")


def test_normalisation_scales_only_the_axis_of_the_channels(tmp_path):
    """BatchNormalization scales axis 1, which holds positions after a MatMul on three axes."""
    text = """<ir_version: 9, opset_import: ["" : 17]>
    g (float[2,SHAPE8] x) => (float[2,SHAPEN] y) {
      a = MatMul (x, w)
      y = BatchNormalization (a, s, s, s, s)
    }"""
    for shape, size, scaled in (("", 6, True), ("5,", 5, False)):
        body = text.replace("SHAPEN", f"{shape}6").replace("SHAPE", shape)
        loaded = saved(parsed(body, {"w": noise(8, 6), "s": np.ones(size, np.float32)}), tmp_path)
        network = describe(loaded)
        (candidate,) = candidates(loaded, network, dense=True).eligible
        assert (context(loaded, network).scale(candidate) is not None) == scaled


def test_convolutions_stay_candidates(tmp_path):
    loaded = saved(conv(noise(8, 4, 3, 3)), tmp_path)
    (candidate,) = candidates(loaded, describe(loaded), dense=True).eligible
    assert (candidate.dense, candidate.axes, candidate.source) == (None, (1, 1), "x")
