"""The rewritten model computes the same as the original and keeps everything else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sepcost.cost.count import count
from sepcost.errors import ConversionError
from sepcost.latency import runtime
from sepcost.latency.inputs import random_inputs
from sepcost.latency.jobs import FOLDER_KEY, Runtime
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.model.tensors import folder
from sepcost.separable.factors.kernels import Form, factorize, reconstruct
from sepcost.separable.find.candidates import turned, weight
from sepcost.separable.rewrite import emit
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.verify import Fidelity, compare
from tests.separable.build import Chosen, conv, converted, find, first, full, noise, parsed, saved

SHARED = Path(__file__).parents[2] / ".." / "shared"
PADS: tuple[dict[str, str], ...] = (
    {},
    {"pads": "ones"},
    {"auto_pad": "SAME_UPPER"},
    {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID"},
)

#: Stride, dilation, groups and bias, covering every pair of values.
PAIRWISE = ((1, 1, 1, False), (1, 2, 2, True), (2, 1, 2, True), (2, 2, 1, True), (2, 2, 2, False))


def assert_same(loaded: Loaded, result: Loaded, tolerance: float = 1e-5) -> None:
    """Both compute the same, and the result is valid ONNX."""
    network = describe(loaded)
    feeds, _ = random_inputs(network.inputs, 0)
    fidelity = compare(loaded, result, feeds)
    assert within(fidelity, tolerance)
    if not any(t.data_location for t in result.proto.graph.initializer):
        onnx.checker.check_model(result.proto, full_check=True)


def within(fidelity: Fidelity, tolerance: float) -> bool:
    """Whether every output is comparable and close."""
    error = fidelity.relative_error
    return error is not None and error < tolerance


def geometry(dims: int, stride: int, dilation: int, pads: dict[str, str]) -> dict[str, Any]:
    spread = {"pads": [1] * 2 * dims} if pads.get("pads") else dict(pads)
    return {"strides": [stride] * dims, "dilations": [dilation] * dims} | spread


@pytest.mark.parametrize("pads", PADS, ids=lambda p: next(iter(p.values()), "none"))
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("op_type", ["Conv", "ConvTranspose"])
def test_full_rank_equals_the_original(tmp_path, op_type, dims, pads):
    for stride, dilation, group, biased in PAIRWISE:
        if "SAME" in pads.get("auto_pad", "") and dilation > 1 and op_type == "Conv":
            continue  # ONNX Runtime does not run it
        channels = (4, 3) if op_type == "ConvTranspose" else (6, 4 // group)
        outputs = 3 * group if op_type == "ConvTranspose" else 6
        bias = noise(outputs, seed=1) if biased else None
        attributes = geometry(dims, stride, dilation, pads) | {"group": group}
        model = conv(noise(*channels, *[3] * dims), bias, size=7, op_type=op_type, **attributes)
        loaded = saved(model, tmp_path)
        (candidate,) = find(loaded).eligible
        for form in (Form.DEPTHWISE_POINTWISE, Form.POINTWISE_DEPTHWISE):
            factors = full(candidate, form)
            for emitted in emit.applicable(factors):
                result = separate(loaded, [Chosen(candidate, factors, emitted)])
                assert_same(loaded, result)
                assert counted(result) == emit.macs(candidate, factors)


def counted(model: Loaded) -> int:
    """MACs of a model as analyze counts them."""
    return count(describe(model), "").totals.macs


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("op_type", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("group", [1, 2])
def test_low_ranks_compute_the_kernel_that_their_factors_make(tmp_path, form, op_type, group):
    """The witness is a regular convolution with the kernel that the factors multiply to."""
    options: dict[str, Any] = {"op_type": op_type, "group": group, "pads": [1] * 4}
    loaded = saved(conv(noise(8, 8 // group, 3, 3), noise(8), **options), tmp_path)
    (candidate,) = find(loaded).eligible
    factors = first(candidate, form)
    kernel = reconstruct(factors)
    stored = turned(kernel, group) if op_type == "ConvTranspose" else kernel
    witness = conv(stored.astype(np.float32), noise(8), **options)
    expected = saved(witness, tmp_path, "witness.onnx")
    for emitted in emit.applicable(factors):
        result = separate(loaded, [Chosen(candidate, factors, emitted)])
        assert_same(expected, result)
        assert counted(result) == emit.macs(candidate, factors)


@pytest.mark.parametrize("op_type", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("ir_version", [8, 10])
def test_a_model_converted_twice_does_not_change_again(tmp_path, op_type, form, ir_version):
    model = conv(noise(8, 4, 3, 3), op_type=op_type, group=2)
    model.ir_version = ir_version
    loaded = saved(model, tmp_path)
    (candidate,) = find(loaded).eligible
    factors = first(candidate, form)
    for emitted in emit.applicable(factors):
        again = find(separate(loaded, [Chosen(candidate, factors, emitted)]))
        assert not again.eligible
        assert len(again.skips) >= 2


def test_a_deconvolution_keeps_its_output_shape_and_padding(tmp_path):
    extras: tuple[dict[str, Any], ...] = ({"output_padding": [1, 1]}, {"output_shape": [18, 17]})
    for extra in extras:
        model = conv(noise(4, 6, 3, 3), noise(6), op_type="ConvTranspose", strides=[2, 2], **extra)
        loaded = saved(model, tmp_path)
        (candidate,) = find(loaded).eligible
        for form in (Form.DEPTHWISE_POINTWISE, Form.POINTWISE_DEPTHWISE):
            factors = full(candidate, form)
            emitted = emit.applicable(factors)[0]
            assert_same(loaded, separate(loaded, [Chosen(candidate, factors, emitted)]))


@pytest.mark.parametrize(
    ("data_type", "tolerance"),
    [(TensorProto.FLOAT16, 4e-3), (TensorProto.BFLOAT16, 2e-2), (TensorProto.DOUBLE, 1e-12)],
)
def test_types_stay(tmp_path, data_type, tolerance):
    """ONNX Runtime lacks some of these on the CPU, so ONNX's own evaluator is the witness."""
    dtype = helper.tensor_dtype_to_np_dtype(data_type)
    loaded = saved(conv(noise(4, 3, 3, 3, dtype=dtype), noise(4, dtype=dtype)), tmp_path)
    result = converted(loaded, find(loaded).eligible)
    feeds = {"x": noise(2, 3, 9, 9, dtype=dtype)}
    before, after = (
        np.asarray(next(iter(ReferenceEvaluator(m.proto).run(None, feeds))), np.float64)
        for m in (loaded, result)
    )
    assert np.linalg.norm(after - before) < tolerance * np.linalg.norm(before)
    assert {t.data_type for t in result.proto.graph.initializer} == {data_type}


def test_values_beyond_the_type_are_refused(tmp_path):
    loaded = saved(conv(noise(8, 6, 3, 3, dtype=np.float16) * np.float16(60000 / 8)), tmp_path)
    (candidate,) = find(loaded).eligible
    factors = factorize(weight(candidate) * 1e3, Form.DEPTHWISE_POINTWISE, 1)
    with pytest.raises(ConversionError, match="does not fit float16"):
        separate(loaded, [Chosen(candidate, factors)])


CHAIN = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,4,8,8] x) => (float[1,6,6,6] y) {{
  {nodes}
  c = Conv (x, w)
  y = Relu (c)
}}"""

SOURCES = {
    "Constant": ("w = Constant <value = float[6,4,3,3] {numbers}> ()", {}),
    "Constant of plain numbers": (
        "f = Constant <value_floats = [numbers]> ()\n"
        "s = Constant <value_ints = [6, 4, 3, 3]> ()\nw = Reshape (f, s)",
        {},
    ),
    "ConstantOfShape": (
        "s = Constant <value = int64[4] {6,4,3,3}> ()\n"
        "w = ConstantOfShape <value = float[1] {0.5}> (s)",
        {},
    ),
    "Identity": ("w = Identity (v)", {"v": noise(6, 4, 3, 3)}),
    "Cast": ("w = Cast <to = 1> (v)", {"v": noise(6, 4, 3, 3, dtype=np.float16)}),
    "Transpose": ("w = Transpose <perm = [2, 3, 0, 1]> (v)", {"v": noise(3, 3, 6, 4)}),
    "Reshape": (
        "s = Constant <value = int64[4] {6,4,3,3}> ()\nw = Reshape (v, s)",
        {"v": noise(6, 36)},
    ),
    "arithmetic": (
        "u = Mul (v, k)\nm = Neg (u)\nw = Transpose <perm = [1, 0, 2, 3]> (m)",
        {"v": noise(4, 6, 3, 3), "k": noise(1, 6, 1, 1)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_weights_come_from_anything_constant(tmp_path, source):
    nodes, weights = SOURCES[source]
    numbers = ",".join(map(str, noise(6 * 36).tolist()))
    text = CHAIN.format(nodes=nodes.replace("numbers", numbers))
    loaded = saved(parsed(text, weights), tmp_path)
    result = converted(loaded, find(loaded).eligible)
    stays_small = source == "Cast"  # from half precision
    assert_same(loaded, result, 1e-3 if stays_small else 1e-5)
    kinds = {"Conv", "Add", "Relu", *(["Cast"] if stays_small else [])}
    assert {node.op_type for node in result.proto.graph.node} == kinds
    assert not {t.name for t in result.proto.graph.initializer} & {*weights}


def test_sparse_weights_are_read(tmp_path):
    dense = noise(6, 4, 3, 3) * (noise(6, 4, 3, 3, seed=1) > 0)
    places = np.flatnonzero(dense)
    model = parsed(CHAIN.format(nodes=""))
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            numpy_helper.from_array(dense.reshape(-1)[places], "w"),
            numpy_helper.from_array(places, "w_indices"),
            dense.shape,
        )
    )
    loaded = saved(model, tmp_path)
    assert_same(loaded, converted(loaded, find(loaded).eligible))


TWINS = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,4,8,8] x) => (float[1,6,8,8] y, float[1,6,6,6] z) {
  y = Conv <pads = [1, 1, 1, 1]> (x, w)
  z = Conv (x, w)
}"""


def test_a_shared_weight_stays_while_someone_needs_it(tmp_path):
    loaded = saved(parsed(TWINS, {"w": noise(6, 4, 3, 3)}), tmp_path)
    found = find(loaded).eligible
    half, both = converted(loaded, found[:1]), converted(loaded, found)
    assert "w" in {t.name for t in half.proto.graph.initializer}
    assert "w" not in {t.name for t in both.proto.graph.initializer}
    assert_same(loaded, half)
    assert_same(loaded, both)


def test_convolutions_given_the_same_factors_share_the_new_weights(tmp_path):
    loaded = saved(parsed(TWINS, {"w": noise(6, 4, 3, 3)}), tmp_path)
    one, other = find(loaded).eligible
    factors = first(one)
    result = separate(loaded, [Chosen(one, factors), Chosen(other, factors)])
    assert len(result.proto.graph.initializer) == 2


SUBGRAPHS = {
    "If": """
g (bool flag, float[1,4,8,8] x) => (float[1,6,6,6] y) {
  y = If (flag) <then_branch = t () => (float[1,6,6,6] a) { a = Conv (x, w) },
                 else_branch = e () => (float[1,6,6,6] b) { c = Conv (x, w)
                                                            b = Neg (c) }>
}""",
    "Loop": """
g (float[1,6,8,8] x) => (float[1,6,8,8] y) {
  n = Constant <value = int64 {2}> ()
  t = Constant <value = bool {1}> ()
  y = Loop (n, t, x) <body = b (int64 i, bool k, float[1,6,8,8] s) => (bool l, float[1,6,8,8] r) {
    l = Identity (k)
    r = Conv <pads = [1, 1, 1, 1]> (s, w)
  }>
}""",
    "Scan": """
g (float[1,6,8,8] x, float[3,1,6,8,8] q) => (float[1,6,8,8] y, float[3,1,6,8,8] z) {
  y, z = Scan (x, q) <num_scan_inputs = 1,
    body = b (float[1,6,8,8] s, float[1,6,8,8] o) => (float[1,6,8,8] r, float[1,6,8,8] p) {
      r = Conv <pads = [1, 1, 1, 1]> (s, w)
      p = Add (r, o)
  }>
}""",
}


@pytest.mark.parametrize("kind", SUBGRAPHS)
def test_convolutions_within_subgraphs(tmp_path, kind):
    text = '<ir_version: 8, opset_import: ["" : 17]>' + SUBGRAPHS[kind]
    inputs = 4 if kind == "If" else 6
    loaded = saved(parsed(text, {"w": noise(6, inputs, 3, 3)}), tmp_path)
    found = find(loaded).eligible
    assert len(found) == (2 if kind == "If" else 1)
    result = converted(loaded, found)
    assert_same(loaded, result)
    assert "w" not in {t.name for t in result.proto.graph.initializer}
    assert not find(result).eligible


FUNCTION = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
g (float[1,6,8,8] x) => (float[1,6,8,8] y) {{
  {calls}
}}
<opset_import: ["" : 17], domain: "own">
block <pad = 1> (s, k) => (r) {{
  r = Conv <pads = [1, 1, 1, 1]> (s, k)
}}
<opset_import: ["" : 17], domain: "own">
fixed (s) => (r) {{
  k = Constant <value = float[6,6,3,3] {{{numbers}}}> ()
  r = Conv <pads = [1, 1, 1, 1]> (s, k)
}}"""


def function(calls: str) -> onnx.ModelProto:
    numbers = ",".join(map(str, noise(6 * 54).tolist()))
    text = FUNCTION.format(calls=calls, numbers=numbers).replace("<pad = 1> ", "")
    return parsed(text, {"w": noise(6, 6, 3, 3), "v": noise(6, 6, 3, 3, seed=1)})


def test_a_function_whose_weight_comes_from_its_call(tmp_path):
    loaded = saved(function("y = own.block (x, w)"), tmp_path)
    result = converted(loaded, find(loaded).eligible)
    assert_same(loaded, result)
    assert [*result.proto.graph.node[0].input] == ["x"]
    assert "w" not in {t.name for t in result.proto.graph.initializer}


@pytest.mark.parametrize("calls", ["own.fixed (x)", "own.block (x, w)"])
def test_a_function_called_twice_with_one_weight_is_converted_once(tmp_path, calls):
    loaded = saved(function(f"h = {calls}\n y = {calls.replace('(x', '(h')}"), tmp_path)
    (candidate,) = find(loaded).eligible
    assert [layer.id for layer in candidate.layers] == ["h/r", "y/r"]
    cheap = first(candidate)
    assert counted(separate(loaded, [Chosen(candidate, cheap)])) == emit.macs(candidate, cheap)
    result = converted(loaded, [candidate])
    assert_same(loaded, result)
    assert not find(result).eligible


def test_a_function_called_with_different_weights_is_left_alone(tmp_path):
    loaded = saved(function("h = own.block (x, w)\n y = own.block (h, v)"), tmp_path)
    found = find(loaded)
    assert not found.eligible
    assert "called 2 times with different weights" in found.skips[0].reason


NESTED = """<ir_version: 9, opset_import: ["" : 17, "own" : 1]>
g (bool flag, float[1,6,8,8] x) => (float[1,6,4,4] y) {
  y = If (flag) <then_branch = t () => (float[1,6,4,4] a) { a = own.outer (flag, x, w) },
                 else_branch = e () => (float[1,6,4,4] b) { b = own.outer (flag, x, w) }>
}
<opset_import: ["" : 17, "own" : 1], domain: "own">
outer (on, s, k) => (r) {
  u = Identity (k)
  r = If (on) <then_branch = t () => (q) { q = own.inner <steps = [2, 2]> (s, u) },
               else_branch = e () => (p) { p = own.inner <steps = [2, 2]> (s, u) }>
}
<opset_import: ["" : 17], domain: "own">
inner <steps> (s, k) => (r) {
  n = Neg (k)
  r = Conv <pads = [1, 1, 1, 1], strides : ints = @steps> (s, n)
}"""


def test_functions_within_branches_within_functions(tmp_path):
    """One node, four calls, with its weight as an input and its strides as an attribute."""
    loaded = saved(parsed(NESTED, {"w": noise(6, 6, 3, 3)}), tmp_path)
    (candidate,) = find(loaded).eligible
    assert len(candidate.layers) == 4
    result = converted(loaded, [candidate])
    assert_same(loaded, result)
    assert not find(result).eligible
    assert not result.proto.graph.initializer
    assert [[*function.input] for function in result.proto.functions] == [["on", "s"], ["s"]]


QDQ = """<ir_version: 8, opset_import: ["" : {opset}]>
g (float[1,4,8,8] x) => (float[1,6,6,6] y) {{
  xs = Constant <value = float {{0.05}}> ()
  xz = Constant <value = int8 {{0}}> ()
  ws = Constant <value = float {{0.02}}> ()
  xq = QuantizeLinear (x, xs, xz)
  xd = DequantizeLinear (xq, xs, xz)
  wd = DequantizeLinear (wq, ws, xz)
  y = Conv (xd, wd)
}}"""


@pytest.mark.parametrize(("opset", "scales"), [(13, 4), (11, None)])
def test_a_quantised_weight_becomes_quantised_weights(tmp_path, opset, scales):
    """Eight bits per weight, one scale per channel if the opset allows: a small error remains."""
    levels = np.clip(noise(6, 4, 3, 3) * 40, -127, 127).astype(np.int8)
    loaded = saved(parsed(QDQ.format(opset=opset), {"wq": levels}), tmp_path)
    (candidate,) = find(loaded).eligible
    assert candidate.quantized
    result = converted(loaded, [candidate])
    assert_same(loaded, result, 0.02)
    stored = {t.name: t for t in result.proto.graph.initializer}
    assert stored["y/depthwise_1/weight_quantized"].data_type == onnx.TensorProto.INT8
    assert list(stored["y/depthwise_1/weight_scale"].dims) == ([scales] if scales else [])
    assert "wq" not in stored


def test_everything_else_stays(tmp_path):
    model = parsed(TWINS, {"w": noise(6, 4, 3, 3), "dead": noise(3)})
    model.ir_version = 10
    model.doc_string, model.producer_name = "what it is", "who made it"
    model.metadata_props.add(key="labels", value="cat,dog")
    model.opset_import.add(domain="com.acme", version=3)
    model.graph.node[0].name = "stem"
    model.graph.node[0].metadata_props.add(key="origin", value="module.stem")
    loaded = saved(model, tmp_path)
    before = loaded.proto.SerializeToString()
    result = converted(loaded, [find(loaded).eligible[0]], first)
    assert loaded.proto.SerializeToString() == before
    kept = [*result.proto.graph.node][-1]
    assert kept == model.graph.node[1]
    for name in ("doc_string", "producer_name", "metadata_props", "opset_import", "ir_version"):
        assert getattr(result.proto, name) == getattr(model, name)
    assert result.proto.graph.input == model.graph.input
    assert result.proto.graph.output == model.graph.output
    assert "dead" in {t.name for t in result.proto.graph.initializer}
    depthwise, pointwise = result.proto.graph.node[:2]
    assert (depthwise.name, pointwise.name) == ("stem/depthwise", "stem/pointwise")
    assert {p.key: p.value for p in pointwise.metadata_props} == {
        "origin": "module.stem",
        "sepcost.replaces": "stem",
    }


def test_new_names_never_collide(tmp_path):
    model = parsed(TWINS, {"w": noise(6, 4, 3, 3), "z/depthwise/weight": noise(2)})
    model.graph.node[0].name = "z"
    loaded = saved(model, tmp_path)
    result = converted(loaded, find(loaded).eligible, first)
    names = [t.name for t in result.proto.graph.initializer]
    assert len(names) == len(set(names))
    nodes = [n.name for n in result.proto.graph.node]
    assert nodes == ["z/depthwise", "z/pointwise", "z/depthwise_2", "z/pointwise_2"]
    assert_same(loaded, converted(loaded, find(loaded).eligible))


def test_before_ir_version_4_no_input_is_added_or_left_without_its_weight(tmp_path):
    model = conv(noise(6, 4, 3, 3))
    model.ir_version = 3
    model.opset_import[0].version = 8
    model.graph.input.add().CopyFrom(helper.make_tensor_value_info("w", 1, [6, 4, 3, 3]))
    loaded = saved(model, tmp_path)
    result = converted(loaded, find(loaded).eligible)
    assert [value.name for value in result.proto.graph.input] == ["x"]
    assert_same(loaded, result)


def test_branches_are_summed_as_the_runtime_can_before_opset_7(tmp_path):
    model = conv(noise(6, 4, 3, 3), noise(6), pads=[1] * 4)
    model.opset_import[0].version = 6
    loaded = saved(model, tmp_path)
    result = converted(loaded, find(loaded).eligible)
    assert {node.op_type for node in result.proto.graph.node} == {"Conv", "Sum"}
    assert_same(loaded, result)


def test_nothing_chosen_changes_nothing(tmp_path):
    loaded = saved(conv(noise(6, 4, 3, 3)), tmp_path)
    assert separate(loaded, []).proto == loaded.proto


def test_a_candidate_of_another_model_is_refused(tmp_path):
    (candidate,) = find(saved(conv(noise(6, 4, 3, 3)), tmp_path)).eligible
    other = saved(parsed(TWINS.replace(" z", " q"), {"w": noise(6, 4, 3, 3)}), tmp_path, "b.onnx")
    with pytest.raises(ConversionError, match="chosen twice"):
        separate(other, [Chosen(candidate, first(candidate))] * 2)
    gone = saved(
        parsed(CHAIN.format(nodes="w = Identity (v)"), {"v": noise(6, 4, 3, 3)}), tmp_path, "c.onnx"
    )
    with pytest.raises(ConversionError, match="does not have this convolution"):
        separate(gone, [Chosen(candidate, first(candidate))])


BINDINGS: dict[str, Any] = {
    "ppocr_cls": {"shape": {"x": (1, 3, 48, 96)}},
    "ppocr_v3_det": {"shape": {"x": (1, 3, 64, 64)}},
    "silero_vad": {"shape": {"input": (1, 512), "state": (2, 1, 128)}},
    "silero_vad_16k_op15": {"bind": {"sequence": 512}},
    "silero_vad_half": {"bind": {"sequence": 512}},
    "silero_vad_op18_ifless": {"bind": {"sequence": 512}},
    "yunet_n_dynamic": {"bind": {"height": 64, "width": 64}},
}
NOT_FOR_RUNTIME = {"espcn_qonnx_quant", "superres_with_pre_post"}
MODELS = sorted([*(SHARED / "models").glob("*.onnx"), *(SHARED / "trained").glob("*.onnx")])


def with_twins(loaded: Loaded, result: Loaded, names: list[str]) -> Loaded:
    """Put the original convolutions next to their replacements, on the same inputs.

    So each is compared on its own, and errors do not grow from layer to layer.
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(result.proto)
    graph, declared = proto.graph, {output.name for output in proto.graph.output}
    stored = {t.name for t in graph.initializer} | {v for n in graph.node for v in n.output}
    carriers = [n for n in loaded.proto.graph.node if not stored & {*n.output} - {*names}]
    for node in carriers:
        graph.node.append(node)
        if node.output[0] in names:
            graph.node[-1].name = graph.node[-1].output[0] = f"{node.output[0]}/twin"
            graph.output.add(name=graph.node[-1].output[0])
    graph.initializer.extend(t for t in loaded.proto.graph.initializer if t.name not in stored)
    graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in declared)
    return replace(result, proto=proto)


def errors(twinned: Loaded, names: list[str], feeds: Any) -> dict[str, float]:
    """The error of each replacement against its original convolution."""
    session = runtime.session(
        twinned.proto.SerializeToString(),
        Runtime(threads=0),
        lambda o: o.add_session_config_entry(FOLDER_KEY, str(folder(twinned))),
    )
    wanted = [name for one in names for name in (one, f"{one}/twin")]
    arrays = [array.astype(np.float64) for array in session.run(wanted, feeds)]
    return {
        name: float(np.linalg.norm(new - old) / np.linalg.norm(old))
        for name, new, old in zip(names, arrays[::2], arrays[1::2], strict=True)
    }


@pytest.mark.skipif(not MODELS, reason="needs the shared models")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_convolution_of_real_models(path):
    """At full rank each computes the same; at rank 1 each has the promised cost."""
    binding = BINDINGS.get(path.stem, {})
    loaded = load(path)
    network = describe(loaded, **binding)
    found = find(loaded, **binding).eligible
    cheap = converted(loaded, found, first)
    before, after = count(network, ""), count(describe(cheap, **binding), "")
    gains = {one.id: emit.macs(one, first(one)) for one in found}
    macs = sum(gains.get(row.layer.id, row.macs or 0) for row in before.rows)
    if not network.choices:  # the branch of an If that counts may change
        assert after.totals.macs == macs
    if path.stem in NOT_FOR_RUNTIME or not found:
        return
    exact = converted(loaded, found)
    feeds, _ = random_inputs(network.inputs, 0)
    feeds |= {"sr": np.array(16000)} if "sr" in feeds else {}
    names = [one.id for one in found if not one.layer.scope]
    tolerance = {"float32": 1e-5, "float16": 2e-3}
    types = {one.id: one.dtype for one in found}
    twinned = errors(with_twins(loaded, exact, names), names, feeds) if names else {}
    for name, error in twinned.items():
        assert error < tolerance[types[name]]
    if len(names) < len(found):
        assert within(compare(loaded, exact, feeds), 1e-5)
