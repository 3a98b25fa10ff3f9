"""The network from one convolution on, against the whole network with other weights."""

import numpy as np
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.separable.find.candidates import candidates
from sepcost.separable.find.context import context
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.tails import tail
from tests.separable import networks
from tests.separable.build import noise, parsed, saved

SHORTCUT = """<ir_version: 9, opset_import: ["" : 17]>
net (float[N, 4, 8, 8] x) => (float[N, 16, 8, 8] e, float[N, 4, 8, 8] y) {
  a = Conv <pads = [1, 1, 1, 1]> (x, w1)
  r = Relu (a)
  two = Constant <value = float {2.0}> ()
  h = Mul (r, two)
  b = Conv <pads = [1, 1, 1, 1]> (r, w2, b2)
  s = Add (h, b)
  e = Relu (s)
  y = Relu (x)
}"""

#: Weights that are inputs too, as in models of IR version 3.
LISTED = networks.TEXT.replace("8, 8] x)", "8, 8] x, float[16] b2)")


def found(loaded):
    network = describe(loaded)
    return context(loaded, network), candidates(loaded, network).eligible


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("text", [networks.TEXT, SHORTCUT, LISTED])
def test_another_kernel_and_bias_give_the_outputs_of_the_changed_network(tmp_path, text, place):
    weights = networks.weights()
    if text is SHORTCUT:
        weights = {name: weights[name] for name in ("w1", "w2", "b2")}
    loaded = saved(parsed(text, weights), tmp_path, "net.onnx")
    seen, eligible = found(loaded)
    feeds = {"x": networks.images(3)}
    made = tail(seen, eligible[place], Runtime())
    assert made is not None
    random = np.random.default_rng(0)
    kernel = random.standard_normal(weights[f"w{place + 1}"].shape)
    bias = random.standard_normal(16) if f"b{place + 1}" in weights else np.zeros(16)
    kept = dict(zip(made.border, made.before(feeds), strict=True))
    answers = made.run(kept, kernel, bias)
    changed = weights | {f"w{place + 1}": kernel.astype(np.float32)}
    if f"b{place + 1}" in weights:
        changed |= {f"b{place + 1}": bias.astype(np.float32)}
    other = saved(parsed(text, changed), tmp_path, "other.onnx")
    wanted = runner(other, Runtime(), made.outputs)(feeds)
    for a, b in zip(answers, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_the_tail_reads_only_what_the_convolution_does_not_change(tmp_path):
    weights = {name: networks.weights()[name] for name in ("w1", "w2", "b2")}
    seen, eligible = found(saved(parsed(SHORTCUT, weights), tmp_path, "net.onnx"))
    made = tail(seen, eligible[1], Runtime())
    assert made is not None
    assert made.border == ("h", "r")
    assert made.outputs == ("e",)


def test_a_convolution_in_half_precision_has_no_tail(tmp_path):
    text = networks.TEXT.replace("float[", "float16[")
    half = {name: one.astype(np.float16) for name, one in networks.weights().items()}
    seen, eligible = found(saved(parsed(text, half), tmp_path, "net.onnx"))
    assert tail(seen, eligible[0], Runtime()) is None


DENSE = """<ir_version: 9, opset_import: ["" : 17]>
net (float[N, 5, 8] x) => (float[N, 5, 3] y) {
  m = MatMul (x, w)
  b = Add (m, b1)
  r = Relu (b)
  y = MatMul (r, v)
}"""
GEMM = """<ir_version: 9, opset_import: ["" : 17]>
net (float[N, 8] x) => (float[N, 3] y) {
  m = Gemm <alpha = 0.5, beta = 2.0, transB = 1> (x, w, b1)
  r = Relu (m)
  y = MatMul (r, v)
}"""


@pytest.mark.parametrize("text", [DENSE, GEMM])
def test_a_dense_layer_reads_its_matrix_too(tmp_path, text):
    shape = (6, 8) if text is GEMM else (8, 6)
    weights = {"w": noise(*shape), "b1": noise(6, seed=1), "v": noise(6, 3, seed=2)}
    loaded = saved(parsed(text, weights), tmp_path, "net.onnx")
    network = describe(loaded)
    first, _ = candidates(loaded, network, dense=True).eligible
    made = tail(context(loaded, network), first, Runtime())
    assert made is not None
    feeds = {"x": noise(*((4, 8) if text is GEMM else (4, 5, 8)), seed=3)}
    kept = dict(zip(made.border, made.before(feeds), strict=True))
    kernel, bias = noise(6, 8, seed=4), noise(6, seed=5)
    (answer,) = made.run(kept, kernel, bias)
    hidden = feeds["x"] @ kernel.T + bias + (0 if text is GEMM else weights["b1"])
    assert answer == pytest.approx(np.maximum(hidden, 0) @ weights["v"], abs=1e-4)
