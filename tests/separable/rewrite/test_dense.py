"""Dense layers as two of a lower rank: what they compute, with ONNX Runtime as witness."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from sepcost.cost.count import count
from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.separable.factors.kernels import Form, factorize
from sepcost.separable.find.candidates import Candidate, bias, candidates, weight
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from tests.separable.build import Array, Chosen, noise, parsed, saved

SIZES = st.integers(3, 6)  # of fewer, no rank is cheaper


def product(
    op_type: str, data: Array, stored: Array, side: int, offset: Array | None = None,
    *, opset: int = 17, **attributes: Any,
) -> onnx.ModelProto:  # fmt: skip
    """One product of ``x`` and ``w`` into ``y``, with the weight on the right (1) or the left."""
    names = ["x", "w"] if side else ["w", "x"]
    reads = [*names, *(["b"] if offset is not None else [])]
    element = helper.np_dtype_to_tensor_dtype(stored.dtype)
    graph = helper.make_graph(
        [helper.make_node(op_type, reads, ["y"], name="d", **attributes)],
        "g",
        [helper.make_tensor_value_info("x", element, data.shape)],
        [helper.make_tensor_value_info("y", element, [None] * data.ndim)],
        [numpy_helper.from_array(stored, "w")],
    )
    if offset is not None:
        graph.initializer.append(numpy_helper.from_array(offset, "b"))
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def found_in(loaded: Loaded) -> Candidate:
    (candidate,) = candidates(loaded, describe(loaded), dense=True).eligible
    return candidate


def computed(loaded: Loaded, x: Array) -> Array:
    return np.asarray(runner(loaded, Runtime())({"x": x})[0])


def halved(loaded: Loaded, rank: int) -> tuple[Loaded, Candidate, Array]:
    """Replace the layer at a rank; return the model and the matrix that it then multiplies by."""
    candidate = found_in(loaded)
    matrix = weight(candidate)
    left, sizes, right = np.linalg.svd(matrix)
    factors = factorize(matrix, Form.BOTTLENECK, rank)
    result = separate(loaded, [Chosen(candidate, factors)])
    onnx.checker.check_model(result.proto, full_check=True)
    return result, candidate, (left[:, :rank] * sizes[:rank]) @ right[:rank]


flags = st.booleans()
scales = st.sampled_from([1.0, -0.5, 3.0])
offsets = st.sampled_from(["none", "scalar", "row", "column", "whole"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.tuples(SIZES, SIZES, SIZES), side=st.sampled_from([0, 1]), turn_a=flags, turn_b=flags,
    alpha=scales, beta=scales, offset=offsets, opset=st.sampled_from([9, 17]), data=st.data(),
)  # fmt: skip
def test_any_gemm_is_approximated_as_numpy_does(
    tmp_path, sizes, side, turn_a, turn_b, alpha, beta, offset, opset, data
):
    m, k, n = sizes
    shapes = {
        "none": None, "scalar": (1,), "row": (n,), "column": (m, 1), "whole": (m, n),
    }  # fmt: skip
    if offset == "none" and opset < 11:
        offset = "row"
    arrays = [noise(*((m, k)[:: -1 if turn_a else 1])), noise(*((k, n)[:: -1 if turn_b else 1]))]
    wide = shapes[offset]
    c = None if wide is None else noise(*wide, seed=3)
    x, stored = arrays[1 - side], arrays[side]
    attributes = {"transA": int(turn_a), "transB": int(turn_b), "alpha": alpha, "beta": beta}
    loaded = saved(product("Gemm", x, stored, side, c, opset=opset, **attributes), tmp_path)
    rank = data.draw(st.integers(1, min(stored.shape)))
    result, candidate, matrix = halved(loaded, rank)
    seen = np.moveaxis(x, candidate.axes[0], 0).astype(np.float64)
    expected = np.moveaxis(matrix @ seen, 0, candidate.axes[1]) + (0 if c is None else beta * c)
    assert computed(result, x) == pytest.approx(expected, abs=1e-4)
    known = bias(candidate)
    if known is not None:
        assert np.allclose(
            np.moveaxis(np.broadcast_to(beta * c, (m, n)), candidate.axes[1], -1), known
        )
    assert (known is None) == (offset in {"none", "whole", "row" if side == 0 else "column"})


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize(
    ("shape", "side"),
    [
        ((4,), 1), ((5, 4), 1), ((2, 5, 4), 1), ((2, 3, 5, 4), 1),
        ((4,), 0), ((4, 5), 0), ((2, 4, 5), 0),
    ],
)  # fmt: skip
def test_any_matmul_is_approximated_as_numpy_does(tmp_path, shape, side, rank):
    x, stored = noise(*shape, seed=1), noise(*((4, 6) if side else (6, 4)))
    loaded = saved(product("MatMul", x, stored, side), tmp_path)
    result, _, matrix = halved(loaded, rank)
    expected = x @ matrix.T if side else matrix @ x
    assert computed(result, x) == pytest.approx(expected, abs=1e-4)
    assert [node.op_type for node in result.proto.graph.node] == ["MatMul", "MatMul"]


@pytest.mark.parametrize(("shape", "side"), [((4,), 1), ((2, 5, 4), 1), ((4, 5), 0), ((4,), 0)])
def test_a_fitted_bias_is_added_to_the_channels_of_a_matmul(tmp_path, shape, side):
    x, stored = noise(*shape, seed=1), noise(*((4, 6) if side else (6, 4)))
    loaded = saved(product("MatMul", x, stored, side), tmp_path)
    candidate = found_in(loaded)
    factors = factorize(weight(candidate), Form.BOTTLENECK, 4)
    object.__setattr__(factors, "bias", np.arange(6.0))
    result = separate(loaded, [Chosen(candidate, factors)])
    moved = np.moveaxis(np.atleast_2d(computed(result, x) - computed(loaded, x)),
                        candidate.axes[1], -1)  # fmt: skip
    assert moved == pytest.approx(np.broadcast_to(np.arange(6.0), moved.shape), abs=1e-4)


def test_the_parts_are_named_and_counted_as_analyze_counts_them(tmp_path):
    x, stored = noise(3, 40), noise(30, 40)
    loaded = saved(product("Gemm", x, stored, 1, noise(30), transB=1), tmp_path)
    candidate = found_in(loaded)
    factors = factorize(weight(candidate), Form.BOTTLENECK, 8)
    result = separate(loaded, [Chosen(candidate, factors)])
    assert [node.name for node in result.proto.graph.node] == ["d/bottleneck", "d/pointwise"]
    after = count(describe(result), "m.onnx")
    assert after.totals.macs == emit.macs(candidate, factors) == 3 * 8 * (30 + 40)
    assert after.totals.params == emit.params(candidate, factors) + 30 == 8 * (30 + 40) + 30
    again = candidates(result, describe(result), dense=True)
    assert {skip.reason for skip in again.skips} == {"made by sepcost"}


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_half_and_double_precision_stay(tmp_path, kind):
    x, stored = noise(3, 8, dtype=kind), noise(8, 6, dtype=kind)
    loaded = saved(product("MatMul", x, stored, 1), tmp_path)
    result, _, matrix = halved(loaded, 3)
    assert computed(result, x).dtype == kind
    assert computed(result, x) == pytest.approx(x @ matrix.T, abs=0.03)


def test_layers_that_share_a_matrix_share_its_factors(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17]>
    g (float[3,20] x, int64[2] i) => (float[3,16] y, float[3,16] z, float[2,16] e) {
      y = MatMul (x, w)
      a = Neg (x)
      z = MatMul (a, w)
      EMBED
    }"""
    for embedded in ("e = Gather (v, i)", "e = Gather (w, i)"):
        weights = {"w": noise(20, 16), "v": noise(5, 16)}
        loaded = saved(parsed(text.replace("EMBED", embedded), weights), tmp_path)
        network = describe(loaded)
        found = candidates(loaded, network, dense=True).eligible
        factors = factorize(weight(found[0]), Form.BOTTLENECK, 4)
        result = separate(loaded, [Chosen(one, factors) for one in found])
        names = {tensor.name for tensor in result.proto.graph.initializer}
        assert ("w" in names) == ("w," in embedded)
        new = [t for t in result.proto.graph.initializer if t.name not in {"v", "w"}]
        assert sorted(tuple(t.dims) for t in new) == [(4, 16), (20, 4)]


def test_attributes_that_a_function_takes_from_its_call_are_resolved(tmp_path):
    text = """<ir_version: 9, opset_import: ["" : 17, "own" : 1]>
    g (float[8,3] x) => (float[3,6] y) { y = own.f <turn = 1, share = 2.0> (x, w, b) }
    <domain: "own", opset_import: ["" : 17]>
    f <turn, share> (p, q, r) => (s) {
      s = Gemm <transA: int = @turn, beta: float = @share> (p, q, r)
    }"""
    loaded = saved(parsed(text, {"w": noise(8, 6), "b": noise(6, seed=1)}), tmp_path)
    result, _, matrix = halved(loaded, 3)
    x = noise(8, 3, seed=2)
    expected = x.T @ matrix.T + 2 * noise(6, seed=1)
    assert computed(result, x) == pytest.approx(expected, abs=1e-4)
