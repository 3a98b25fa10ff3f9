"""The effect of errors on the outputs, compared with closed forms and with the outputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.separable.data import calibrate
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.find.context import context
from sepcost.separable.quality.row_groups import row_groups
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Wish, reference
from sepcost.separable.runs.sensitivity import sensitivities
from sepcost.separable.verify import outputs
from tests.separable import networks
from tests.separable.build import find, parsed, saved

SIZE = 16  # positions per image
HEAD = '<ir_version: 9, opset_import: ["" : 17]>\nnet (float[N, 4, 4, 4] x) => (float[N, 3] y)'
SEEN = "{ c = Conv <pads = [1, 1, 1, 1]> (x, w) "
POOLED = SEEN + "p = GlobalAveragePool (c)  f = Flatten (p)  s = Gemm (f, m) "


def found_in(folder, body, count=512, head=HEAD, **weights):
    return of(model(folder, body, count, head, **weights), folder / "data.npz")


def model(folder, body, count=512, head=HEAD, **weights):
    kernel = np.random.default_rng(0).standard_normal((5, 4, 3, 3))
    arrays = {"w": kernel, **weights}
    text = f"{head}{body} }}"
    loaded = saved(parsed(text, {n: a.astype(np.float32) for n, a in arrays.items()}), folder)
    images = np.random.default_rng(1).standard_normal((count, 4, 4, 4)).astype(np.float32)
    np.savez(folder / "data.npz", x=images)
    return loaded


def of(loaded, path):
    return both(loaded, path).metrics


def both(loaded, path):
    data = calibrate.open_data(path, calibrate.declared(loaded), ImageFormat())
    seen = context(loaded, describe(loaded, shape=data.item or {}))
    shape = {"shape": data.item or {}}
    wish = Wish(groups=row_groups(seen.network), stacked=data.stacked)
    names = outputs(loaded)
    answers = reference(names, runner(loaded, Runtime(), names), data.batches(), wish)
    return sensitivities(seen, find(loaded, **shape).eligible, data, Runtime(), answers.parts)


def test_for_class_scores_it_is_the_jacobian_without_the_mean(tmp_path):
    """s = Mᵀ·mean(c): J at each of 16 positions is Mᵀ/16, less the mean over the classes."""
    m = np.random.default_rng(2).standard_normal((5, 3))
    found = found_in(tmp_path, POOLED + "y = Identity (s)", m=m)
    jacobian = (m - m.mean(1, keepdims=True)) / SIZE
    assert found["c"] == pytest.approx(SIZE * jacobian @ jacobian.T, rel=0.2, abs=0.02)


def test_moving_all_classes_equally_is_not_an_error(tmp_path):
    """The first channel raises every score by the same amount."""
    m = np.random.default_rng(2).standard_normal((5, 3))
    m[0] = 7
    found = found_in(tmp_path, POOLED + "y = Identity (s)", m=m)
    assert found["c"][0] == pytest.approx(0.0, abs=1e-5)
    assert found["c"][1, 1] > 1e-3


def test_probabilities_count_by_what_they_tell(tmp_path):
    """Fisher's metric of a softmax at equal scores is (1 - 1/3·11ᵀ)/3 in them."""
    m = 1e-3 * np.random.default_rng(2).standard_normal((5, 3))
    found = found_in(tmp_path, POOLED + "y = Softmax <axis = -1> (s)", m=m)
    jacobian = (m - m.mean(1, keepdims=True)) / SIZE
    assert found["c"] == pytest.approx(SIZE * jacobian @ jacobian.T / 3, rel=0.2, abs=1e-8)


def test_other_outputs_count_by_their_relative_change(tmp_path):
    """y = c, so that an error e moves y by e, relative to the size of y."""
    head = HEAD.replace("float[N, 3]", "float[N, 5, 4, 4]")
    found = found_in(
        tmp_path, "{ c = Conv <pads = [1, 1, 1, 1]> (x, w)  y = Identity (c)", head=head
    )["c"]
    off = found - np.diag(np.diag(found))
    assert np.abs(off).max() < 0.2 * found[0, 0]
    assert np.diag(found) == pytest.approx(found[0, 0], rel=0.2)


def test_it_predicts_the_effect_of_a_small_error(tmp_path):
    """Noise of covariance E in a layer's output moves the scores by the trace of Q·E."""
    loaded = networks.classifier(tmp_path)
    found = of(loaded, networks.data(tmp_path, 256))
    x = networks.images(256)
    (before,) = runner(loaded, Runtime(), ["y"])({"x": x})
    random, moved = np.random.default_rng(3), []
    for channel in range(16):
        noise = np.zeros((256, 16, 8, 8), np.float32)
        noise[:, channel] = 1e-2 * random.standard_normal((256, 8, 8))
        (after,) = disturbed(loaded, noise)({"x": x})
        change = (after - before) - (after - before).mean(1, keepdims=True)
        moved.append(np.sum(change**2) / 256 / 1e-4)
    foretold = np.diag(found["b"])
    assert foretold.sum() == pytest.approx(np.sum(moved), rel=0.3)
    assert np.corrcoef(foretold, moved)[0, 1] > 0.95


def disturbed(loaded, noise):
    """The network with noise added to the output of the second convolution."""
    proto = onnx.ModelProto()
    proto.CopyFrom(loaded.proto)
    place, node = next((k, n) for k, n in enumerate(proto.graph.node) if "b" in n.output)
    node.output[0] = "clean"
    proto.graph.initializer.append(onnx.numpy_helper.from_array(noise, "noise"))
    proto.graph.node.insert(place + 1, onnx.helper.make_node("Add", ["clean", "noise"], ["b"]))
    return runner(replace(loaded, proto=proto), Runtime(), ["y"])


def test_layers_without_a_gradient_are_left_out(tmp_path):
    body = SEEN + "p = GlobalLpPool (c)  f = Flatten (p)  y = Gemm (f, m)"
    assert found_in(tmp_path, body, m=np.ones((5, 3)), count=8) == {}


LOOPED = (
    SEEN
    + """
  z = Loop (n, , c) <
    body = b (int64 i, bool t, float[N, 5, 4, 4] s) => (bool u, float[N, 5, 4, 4] d)
    { u = Identity (t)  d = Conv <pads = [1, 1, 1, 1]> (s, w5) }>
  p = GlobalAveragePool (z)  f = Flatten (p)  y = Gemm (f, m)"""
)


#: A gradient that flows past an If, or a function, but also into it, is not the whole one.
CAPTURED = (
    SEEN
    + """
  q = ReduceMax <keepdims = 0> (x)  k = Greater (q, zero)
  z = If (k) <then_branch = t () => (float[N, 5, 4, 4] d) { d = Neg (c) },
              else_branch = e () => (float[N, 5, 4, 4] n) { n = Abs (c) }>
  s = Add (c, z)  p = GlobalAveragePool (s)  f = Flatten (p)  y = Gemm (f, m)"""
)
CALLED = (
    SEEN
    + """
  z = own.twice (c)  s = Add (c, z)  p = GlobalAveragePool (s)  f = Flatten (p)  y = Gemm (f, m)"""
)
FUNCTION = '<domain: "own", opset_import: ["" : 17]> twice (i) => (o) { o = Add (i, i) }'


@pytest.mark.parametrize(
    ("body", "stopped"),
    [
        (POOLED + "y = Identity (s)", {}),
        (SEEN + "p = GlobalLpPool (c)  f = Flatten (p)  y = Gemm (f, m)", {"GlobalLpPool": 1}),
        (SEEN + "i = ArgMax (c)  j = Cast <to = 1> (i)  y = Identity (j)", {"ArgMax": 1}),
        ("<int64 n = {2}>" + LOOPED, {"Loop": 2}),
        (SEEN + "y = Identity (x)", {"no output": 1}),
        (SEEN + "i = Cast <to = 3> (c)  j = Neg (i)  y = Identity (j)", {"Cast": 1}),
        (CAPTURED, {"If": 1}),
        (CALLED, {"own.twice": 1}),
    ],
)
def test_the_operator_that_ends_the_gradients_is_known(tmp_path, body, stopped):
    head = HEAD.replace('"" : 17', '"" : 17, "own" : 1')
    end = "} " + FUNCTION[:-1] if "own." in body else ""
    arrays = {"m": np.ones((5, 3)), "w5": np.ones((5, 5, 3, 3)), "zero": np.zeros(())}
    made = model(tmp_path, body + end, 8, head, **arrays)
    counts = both(made, tmp_path / "data.npz").gradients
    assert counts.stopped_by == stopped
    assert counts.reached == counts.of - sum(stopped.values()) == (not stopped)


def test_half_precision_gives_the_same(tmp_path):
    """With a Cast to float32 inside: the same numbers."""
    m = np.random.default_rng(2).standard_normal((5, 3))
    single = found_in(tmp_path, POOLED + "y = Identity (s)", m=m)["c"]
    head = HEAD.replace("float[", "float16[")
    half = _half(tmp_path, head, m)
    assert half == pytest.approx(single, rel=0.1, abs=1e-3)


def _half(folder, head, m):
    kernel = np.random.default_rng(0).standard_normal((5, 4, 3, 3))
    arrays = {"w": kernel.astype(np.float16), "m": m.astype(np.float16)}
    loaded = saved(parsed(f"{head} {POOLED} y = Identity (s) }}", arrays), folder, "half.onnx")
    return of(loaded, folder / "data.npz")["c"]
