"""The student computes what the conversion does, and factors are read back from its weights."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from sepcost.latency.jobs import Runtime
from sepcost.separable.factors.kernels import Form, factorize, ranks
from sepcost.separable.find.candidates import weight
from sepcost.separable.rewrite.emit import applicable
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.tuning.student import student
from tests.separable.build import Chosen, conv, find, noise, parsed, saved


def outputs(model, x):
    return runner(model, Runtime())({"x": x})[0]


def changed(made, seed=0):
    """Weights that differ from the student's in every element."""
    random = np.random.default_rng(seed)
    return {n: w + 0.1 * random.standard_normal(w.shape) for n, w in made.weights.items()}


def with_weights(made, weights):
    """The student with other weights."""
    for tensor in made.loaded.proto.graph.initializer:
        if tensor.name in weights:
            tensor.raw_data = weights[tensor.name].astype(np.float32).tobytes()
    return made.loaded


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("form", Form)
def test_factors_hold_what_the_weights_of_every_emitted_form_were_tuned_to(
    tmp_path, form, group, transposed
):
    op_type = "ConvTranspose" if transposed else "Conv"
    shape = (6, 8 // group, 3, 3) if transposed else (8, 6 // group, 3, 3)
    bias = noise(8, seed=1)
    made = conv(noise(*shape), bias, op_type=op_type, group=group, size=6)
    loaded = saved(made, tmp_path)
    (candidate,) = find(loaded).eligible
    kernel, x = weight(candidate), noise(2, 6, 6, 6, seed=2)
    rank = ranks(kernel.shape, form, group=group)[:2][-1]
    factors = factorize(kernel, form, rank, group=group)
    for emitted in applicable(factors):
        choice = Chosen(candidate, factors, emitted)
        built = student(loaded, [choice], [])
        assert np.allclose(outputs(built.loaded, x), outputs(separate(loaded, [choice]), x))
        (same,) = built.factors(built.weights)
        assert all(
            np.allclose(getattr(same, name), getattr(factors, name))
            for name in ("spatial", "pointwise")
        )
        tuned = changed(built)
        (new,) = built.factors(tuned)
        again = separate(loaded, [Chosen(candidate, new, emitted)])
        wanted = outputs(with_weights(built, tuned), x)
        assert np.allclose(outputs(again, x), wanted, atol=1e-4)


def test_a_convolution_without_a_bias_gets_one_to_tune(tmp_path):
    loaded = saved(conv(noise(4, 4, 3, 3)), tmp_path)
    (candidate,) = find(loaded).eligible
    factors = factorize(weight(candidate), Form.DEPTHWISE_POINTWISE, 1)
    built = student(loaded, [Chosen(candidate, factors)], [])
    assert {name.split("/")[1] for name in built.weights} == {"depthwise", "pointwise", "bias"}
    (new,) = built.factors({name: w + 1 for name, w in built.weights.items()})
    assert np.all(new.bias == 1)


def test_shared_factors_stay_shared(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17]>
    net (float[1, 4, 6, 6] x) => (float[1, 4, 6, 6] y) {
      h = Conv <pads = [1, 1, 1, 1]> (x, w)
      y = Conv <pads = [1, 1, 1, 1]> (h, w)
    }"""
    loaded = saved(parsed(text, {"w": noise(4, 4, 3, 3)}), tmp_path)
    one, two = find(loaded).eligible
    factors = factorize(weight(one), Form.DEPTHWISE_POINTWISE, 1)
    built = student(loaded, [Chosen(one, factors), Chosen(two, factors)], [])
    assert len(built.weights) == 3
    first, second = built.factors(built.weights)
    assert first is second


def test_an_old_file_whose_weights_are_inputs_too_can_be_tuned(tmp_path):
    proto = conv(noise(4, 4, 3, 3))
    proto.ir_version = 3
    proto.opset_import[0].version = 7
    proto.graph.input.append(helper.make_tensor_value_info("w", 1, (4, 4, 3, 3)))
    loaded = saved(proto, tmp_path)
    (candidate,) = find(loaded).eligible
    factors = factorize(weight(candidate), Form.DEPTHWISE_POINTWISE, 1)
    assert len(student(loaded, [Chosen(candidate, factors)], []).weights) == 3
