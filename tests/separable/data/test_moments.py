"""Moments of patches: the patches against ONNX Runtime, the moments against numpy."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepcost.cost.results import Convolution
from sepcost.errors import ConversionError
from sepcost.separable.data.moments import PatchStream, patches, sample_positions

PLAIN = Convolution(
    kernel=(3, 3),
    strides=(1, 1),
    dilations=(1, 1),
    pads=(1, 1, 1, 1),
    group=1,
    in_channels=3,
    out_channels=4,
    positions=1,
    pointwise_positions=1,
)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def run(case, inputs, weight):
    """ONNX Runtime's output, with the weight in the layout of Conv."""
    op = "ConvTranspose" if case.transposed else "Conv"
    if case.transposed:  # [N, M/G, *k] of each group to [M, N/G, *k]
        parts = np.split(weight, case.group)
        weight = np.concatenate([part.swapaxes(0, 1) for part in parts])
    node = onnx.helper.make_node(
        op, ["x", "w"], ["y"], strides=case.strides, dilations=case.dilations,
        pads=case.pads, group=case.group, kernel_shape=case.kernel,
    )  # fmt: skip
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node], "g", [value("x", 1, inputs.shape)], [value("y", 1, None)],
        [onnx.numpy_helper.from_array(weight, "w")],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    model.ir_version = 9
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": inputs})[0]


@st.composite
def convolutions(draw):
    axes, group = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    transposed = draw(st.booleans())

    def each(low, high, count=axes):
        return tuple(draw(st.lists(st.integers(low, high), min_size=count, max_size=count)))

    kernel = each(1, 3)
    pads = (0,) * (2 * axes) if transposed else each(0, 2, 2 * axes)
    return Convolution(
        kernel, each(1, 2), each(1, 2), pads, group, 2 * group, 3 * group, 1, 1, transposed
    )


@given(convolutions())
@settings(max_examples=40, deadline=None)
def test_a_patch_times_the_weight_is_the_runtimes_output(case):
    sizes = tuple(range(5, 5 + len(case.kernel)))
    inputs = random(1, case.in_channels, *sizes)
    weight = random(case.out_channels, case.in_channels // case.group, *case.kernel, seed=1)
    answer = run(case, inputs, weight)
    extent = answer.shape[2:]
    read = patches(inputs[0], np.arange(prod(extent)), extent, case)
    groups = read.reshape(len(read), case.group, -1)
    mine = np.einsum("qgf,gnf->gnq", groups, weight.reshape(case.group, -1, groups.shape[2]))
    np.testing.assert_allclose(mine.reshape(answer.shape), answer, atol=1e-4)


def gather(case, batches, *, positions=16):
    """Pass all batches through one stream."""
    stream = PatchStream(case, positions=positions)
    for inputs, targets in batches:
        stream.add(inputs, targets)
    return stream.finish()


def test_a_transposed_convolution_reads_through_its_padding():
    case = replace(PLAIN, transposed=True, strides=(2, 1), pads=(1, 0, 0, 2))
    inputs, weight = random(1, 3, 4, 6), random(4, 3, 3, 3, seed=1)
    answer = run(case, inputs, weight)
    read = patches(inputs[0], np.arange(answer[0, 0].size), answer.shape[2:], case)
    mine = read.reshape(len(read), -1) @ weight.reshape(4, -1).T
    np.testing.assert_allclose(mine.T.reshape(answer.shape), answer, atol=1e-4)


def test_moments_are_those_of_all_rows_at_once():
    case = replace(PLAIN, group=2, in_channels=4)
    inputs, targets = 5 + random(3, 4, 6, 5), 2 - random(3, 4, 6, 5, seed=1)
    made = gather(case, [(inputs, targets)], positions=99)
    every = np.arange(30)
    rows = np.concatenate([patches(image, every, (6, 5), case) for image in inputs])
    rows = rows.reshape(90, 2, 18).astype(np.float64)
    wanted = targets.reshape(3, 2, 2, 30).transpose(0, 3, 1, 2).reshape(90, 2, 2)
    assert made.samples == 90
    for g in range(2):
        joint = np.cov(rows[:, g].T, wanted[:, g].T, bias=True)
        np.testing.assert_allclose(made.covariance[g], joint[:18, :18], atol=2e-5)
        np.testing.assert_allclose(made.cross[g], joint[18:, :18], atol=2e-5)
        np.testing.assert_allclose(made.target_covariance[g], joint[18:, 18:], atol=2e-5)
        np.testing.assert_allclose(made.patch_mean[g], rows[:, g].mean(0), atol=1e-5)
        np.testing.assert_allclose(made.target_mean[g], wanted[:, g].mean(0), atol=1e-5)


def test_a_far_mean_does_not_drown_the_variance():
    inputs, targets = (1e4 + random(8, 3, 9, 9, seed=s) for s in (0, 1))
    case = replace(PLAIN, kernel=(1, 1), pads=(0,) * 4, out_channels=3)
    made = gather(case, [(inputs, targets)], positions=81)
    rows = inputs.transpose(0, 2, 3, 1).reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(made.covariance[0], np.cov(rows.T, bias=True), rtol=1e-3, atol=1e-3)


def test_batches_and_buffers_change_nothing(monkeypatch):
    inputs, targets = random(6, 3, 8, 8), random(6, 4, 8, 8, seed=1)
    whole = gather(PLAIN, [(inputs, targets)], positions=40)
    monkeypatch.setattr("sepcost.separable.data.moments._BUFFER", 1)
    parts = gather(
        PLAIN, [(inputs[i : i + 2], targets[i : i + 2]) for i in (0, 2, 4)], positions=40
    )
    assert parts.samples == whole.samples == 240
    for name in ("covariance", "cross", "patch_mean", "target_mean", "target_covariance"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-5)


def test_positions_are_drawn_by_image_and_seed():
    first = sample_positions(1000, 16, image=3)
    assert len(set(first)) == 16
    assert (np.diff(first) > 0).all()
    np.testing.assert_array_equal(first, sample_positions(1000, 16, image=3))
    assert not np.array_equal(first, sample_positions(1000, 16, image=4))
    assert not np.array_equal(first, sample_positions(1000, 16, image=3, seed=1))
    np.testing.assert_array_equal(sample_positions(5, 16, image=0), np.arange(5))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_float_types_are_accepted(dtype):
    inputs, targets = random(4, 3, 6, 6), random(4, 4, 6, 6, seed=1)
    plain = gather(PLAIN, [(inputs, targets)])
    made = gather(PLAIN, [(inputs.astype(dtype), targets.astype(dtype))])
    np.testing.assert_allclose(made.covariance, plain.covariance, atol=1e-2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_activations_that_are_not_numbers_are_refused(bad, which):
    batch = [random(4, 3, 6, 6), random(4, 4, 6, 6)]
    batch[which][:, 1, 2] = bad
    with pytest.raises(ConversionError, match="NaN or infinity"):
        gather(PLAIN, [(batch[0], batch[1])], positions=36)


def test_no_activations_are_refused():
    with pytest.raises(ConversionError, match="no calibration"):
        PatchStream(PLAIN).finish()
