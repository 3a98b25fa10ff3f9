"""Gradients of every operator with a rule, against differences of ONNX Runtime's outputs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from sepcost.latency.jobs import Runtime
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import QUANTISERS, SEED, Tape, backward

STEP = 1e-3

#: op_type -> nodes from "a" to "y", and the shape of "a". W, B, C, ... are stored.
CASES: dict[str, tuple[str, tuple[int, ...]]] = {
    "Conv": ("y = Conv <pads = [1, 0, 2, 1], strides = [2, 1]> (a, W)", (2, 4, 7, 6)),
    "Conv, stride 1": ("y = Conv <pads = [1, 0, 2, 1]> (a, W)", (2, 4, 7, 6)),
    "Conv, grouped": ("y = Conv <pads = [1, 1, 1, 1], group = 2> (a, G)", (2, 4, 5, 6)),
    "Conv, wide pads": ("y = Conv <pads = [4, 0, 1, 3]> (a, W)", (1, 4, 5, 6)),
    "Conv, dilated": ("y = Conv <dilations = [2, 2], group = 2> (a, G)", (2, 4, 7, 6)),
    "Conv, auto_pad": ('y = Conv <auto_pad = "SAME_UPPER", strides = [2, 2]> (a, W)', (1, 4, 8, 7)),
    "ConvTranspose": (
        "y = ConvTranspose <strides = [2, 2], pads = [1, 1, 1, 1]> (a, T)",
        (2, 4, 3, 4),
    ),
    "Gemm": ("y = Gemm <alpha = 0.5> (a, M, V)", (3, 4)),
    "Gemm, transB": ("y = Gemm <transB = 1> (a, N)", (3, 4)),
    "MatMul": ("y = MatMul (a, M)", (2, 3, 4)),
    "MatMul, both": ("b = Transpose <perm = [0, 2, 1]> (a)\n y = MatMul (a, b)", (2, 3, 4)),
    "BatchNormalization": ("y = BatchNormalization (a, S, V4, V4, S)", (2, 4, 3, 3)),
    "InstanceNormalization": ("y = InstanceNormalization (a, S, V4)", (2, 4, 3, 5)),
    "MaxPool": ("y = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (a)", (2, 3, 6, 6)),
    "MaxPool, overlapping": (
        "y = MaxPool <kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]> (a)",
        (2, 3, 7, 7),
    ),
    "AveragePool": ("y = AveragePool <kernel_shape = [2, 3], strides = [2, 1]> (a)", (2, 3, 7, 6)),
    "GlobalAveragePool": ("y = GlobalAveragePool (a)", (2, 3, 4, 5)),
    "GlobalMaxPool": ("y = GlobalMaxPool (a)", (2, 3, 4, 5)),
    "ReduceMean": ("y = ReduceMean <axes = [2, 3], keepdims = 0> (a)", (2, 3, 4, 5)),
    "ReduceSum": ("y = ReduceSum (a, axes)", (2, 3, 4, 5)),
    "Add": ("b = GlobalAveragePool (a)\n y = Add (a, b)", (2, 3, 4, 5)),
    "Sum": ("b = Neg (a)\n c = Exp (a)\n y = Sum (a, b, c)", (2, 3, 4)),
    "Sub": ("b = GlobalAveragePool (a)\n y = Sub (b, a)", (2, 3, 4, 5)),
    "Mul": ("b = GlobalAveragePool (a)\n c = Sigmoid (b)\n y = Mul (c, a)", (2, 3, 4, 5)),
    "Mul, stored": ("y = Mul (S4, a)", (2, 4, 3)),
    "Div": ("b = Exp (a)\n y = Div (a, b)", (2, 3, 4)),
    "Div, stored": ("y = Div (a, S4)", (2, 4, 3)),
    "Transpose": ("y = Transpose <perm = [0, 2, 3, 1]> (a)", (2, 3, 4, 5)),
    "Concat": ("b = Exp (a)\n y = Concat <axis = 1> (a, b, a)", (2, 3, 4)),
    "Split": ("b, c = Split <axis = 1> (a, parts)\n y = Exp (c)", (2, 5, 3)),
    "Pad": ("y = Pad (a, pads)", (2, 3, 4, 4)),
    "Resize": ('y = Resize <mode = "nearest"> (a, , scales)', (2, 3, 4, 4)),
    "Resize, linear": ('y = Resize <mode = "linear"> (a, , scales)', (2, 3, 4, 5)),
    "Resize, down": ('y = Resize <mode = "linear", antialias = 1> (a, , , sizes)', (2, 3, 7, 8)),
    "Resize, cubic": (
        'y = Resize <mode = "cubic", coordinate_transformation_mode = "align_corners"> '
        "(a, , , sizes)",
        (2, 3, 7, 8),
    ),
    "Resize, one axis": (
        'y = Resize <mode = "linear", axes = [3]> (a, , , width)',
        (2, 3, 7, 8),
    ),
    "Pad, reflected": ('y = Pad <mode = "reflect"> (a, pads)', (2, 3, 4, 4)),
    "Pad, edges": ('y = Pad <mode = "edge"> (a, pads)', (2, 3, 4, 4)),
    "Pad, cut": ("y = Pad (a, cuts)", (2, 3, 4, 4)),
    "Concat, samples": ("b = Exp (a)\n y = Concat <axis = 0> (a, b)", (2, 3, 4)),
    "Slice": ("y = Slice (a, from, to, last2, by)", (2, 3, 4, 6)),
    "Slice, backwards": ("y = Slice (a, to, from, last2, back)", (2, 3, 4, 6)),
    "Gather": ("y = Gather <axis = 2> (a, some)", (2, 3, 4, 5)),
    "Gather, one": ("y = Gather <axis = 1> (a, single)", (2, 3, 4)),
    "GatherElements": ("y = GatherElements <axis = 1> (a, elements)", (2, 3)),
    "GatherND": ("y = GatherND (a, places)", (2, 3, 4)),
    "Expand": ("y = Expand (a, extent)", (2, 1, 3)),
    "Expand, computed": (
        "s = Shape (a)\n t = Concat <axis = 0> (two_, s)\n y = Expand (a, t)",
        (2, 1, 3),
    ),
    "Tile": ("y = Tile (a, repeats)", (2, 3, 2)),
    "Trilu": ("y = Trilu (a)", (3, 4, 4)),
    "ScatterND": (
        "b = Exp (a)\n c = GatherND (b, places)\n y = ScatterND (a, places, c)",
        (2, 3, 4),
    ),
    "ScatterND, added": (
        "b = Exp (a)\n c = GatherND (b, places)\n"
        ' y = ScatterND <reduction = "add"> (a, places, c)',
        (2, 3, 4),
    ),
    "Where": ("b = Exp (a)\n c = Less (a, low)\n y = Where (c, a, b)", (2, 3, 4)),
    "Where, repeated": (
        "b = GlobalAveragePool (a)\n c = Less (a, low)\n y = Where (c, a, b)",
        (2, 3, 4, 2),
    ),
    "Max": ("b = Neg (a)\n y = Max (a, b)", (2, 3, 4)),
    "Min": ("y = Min (a, S4)", (2, 4, 3)),
    "Floor": ("b = Floor (a)\n y = Add (a, b)", (2, 3, 4)),
    "Ceil": ("b = Ceil (a)\n y = Add (a, b)", (2, 3, 4)),
    "Round": ("b = Round (a)\n y = Add (a, b)", (2, 3, 4)),
    "Sign": ("b = Sign (a)\n y = Mul (a, b)", (2, 3, 4)),
    "ReduceMean, in the middle": ("y = ReduceMean <keepdims = 0> (a, middle)", (2, 3, 4, 5)),
    "ReduceMean, all": ("y = ReduceMean (a)", (2, 3, 4)),
    "ReduceMax": ("y = ReduceMax (a, middle)", (2, 3, 4, 5)),
    "ReduceMin": ("y = ReduceMin <keepdims = 0> (a, middle)", (2, 3, 4, 5)),
    "ReduceL2": ("y = ReduceL2 (a, middle)", (2, 3, 4, 5)),
    "ReduceSumSquare": ("y = ReduceSumSquare (a, middle)", (2, 3, 4, 5)),
    "LayerNormalization": ("y = LayerNormalization (a, S, V4)", (2, 3, 4)),
    "LRN": ("y = LRN <size = 3, alpha = 0.5, bias = 1.0> (a)", (2, 6, 3, 3)),
    "Einsum": ('y = Einsum <equation = "bij,jk->bki"> (a, M)', (2, 3, 4)),
    "Einsum, both": (
        'b = Exp (a)\n y = Einsum <equation = "bij,bkj->bik"> (a, b)',
        (2, 3, 4),
    ),
    "MatMul, repeated": ("b = ReduceMean (a, first)\n c = Transpose <perm = [0, 2, 1]> (b)\n"
        " y = MatMul (a, c)", (2, 3, 4)),
    "MatMul, from the left": ("y = MatMul (N, a)", (2, 4, 3)),
    "AveragePool, padded": (
        "y = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (a)", (2, 3, 5, 6)
    ),
    "AveragePool, pads counted": (
        "y = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2], "
        "count_include_pad = 1> (a)",
        (2, 3, 6, 5),
    ),
    "AveragePool, ceil_mode": (
        "y = AveragePool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1> (a)",
        (2, 3, 6, 8),
    ),
    "GRU": ("y, l = GRU <hidden_size = 3> (a, GW, GR, GB)", (5, 2, 4)),
    "GRU, reset before": (
        "y, l = GRU <hidden_size = 3, linear_before_reset = 1> (a, GW, GR, GB, , GH)",
        (5, 2, 4),
    ),
    "GRU, last state": ("z, y = GRU <hidden_size = 3> (a, GW, GR)", (5, 2, 4)),
    "GRU, initial state": (
        "b = Exp (a)\n h = ReduceSum (b, first)\n"
        " y = GRU <hidden_size = 3> (b, GW3, GR, GB, , h)",
        (5, 2, 3),
    ),
    "GRU, several sizes": (
        "b, l = GRU <hidden_size = 3> (a, GW3, GR, GB)\n c = Transpose <perm = [1, 0, 2, 3]> (b)\n"
        " d = ReduceSum <keepdims = 0> (c, first)\n e = Transpose <perm = [1, 0, 2]> (d)\n"
        " f, g = GRU <hidden_size = 3> (e, GW3, GR, GB)\n y = Exp (f)",
        (5, 2, 3),
    ),
    "LSTM, initial states": (
        "b = Exp (a)\n h = ReduceSum (b, first)\n g = Exp (h)\n i = Concat <axis = 0> (h, g)\n"
        " y = LSTM <hidden_size = 3, direction = \"bidirectional\"> (b, LW3, LR2, LB2, , i, i)",
        (5, 2, 3),
    ),
    "GRU, reverse": (
        'y = GRU <hidden_size = 3, direction = "reverse"> (a, GW, GR, GB, , GH)', (5, 2, 4)
    ),
    "GRU, both ways": (
        "z, l = GRU <hidden_size = 3, direction = \"bidirectional\", linear_before_reset = 1> "
        "(a, GW2, GR2, GB2)\n b = Transpose <perm = [1, 0, 2]> (l)\n c = Exp (z)\n"
        " d = ReduceSum <keepdims = 0> (c, first)\n e = Transpose <perm = [1, 0, 2]> (d)\n"
        " y = Mul (b, e)",
        (5, 2, 4),
    ),
    "LSTM": ("y, l, c = LSTM <hidden_size = 3> (a, LW, LR, LB)", (5, 2, 4)),
    "LSTM, states": (
        "z, l, c = LSTM <hidden_size = 3> (a, LW, LR, , , GH, GH)\n y = Mul (l, c)", (5, 2, 4)
    ),
    "LSTM, both ways": (
        'y = LSTM <hidden_size = 3, direction = "bidirectional"> (a, LW2, LR2, LB2)', (5, 2, 4)
    ),
    "LSTM, reverse": (
        'y, l, c = LSTM <hidden_size = 3, direction = "reverse"> (a, LW, LR, LB, , GH, GH)',
        (5, 2, 4),
    ),
    "Softmax, in the middle": ("y = Softmax <axis = 1> (a)", (2, 3, 4)),
    "Gelu": ("y = Gelu (a)", (2, 3, 4)),
    "Softmax": ("y = Softmax <axis = -1> (a)", (3, 5)),
    "LogSoftmax": ("y = LogSoftmax <axis = -1> (a)", (3, 5)),
    "DepthToSpace": ("y = DepthToSpace <blocksize = 2> (a)", (2, 8, 3, 3)),
    "DepthToSpace, CRD": ('y = DepthToSpace <blocksize = 2, mode = "CRD"> (a)', (2, 12, 3, 2)),
    "SpaceToDepth": ("y = SpaceToDepth <blocksize = 2> (a)", (2, 3, 4, 4)),
    "Reshape": ("y = Reshape (a, flat)", (2, 3, 4)),
    "Flatten": ("y = Flatten (a)", (2, 3, 4)),
    "Squeeze": ("y = Squeeze (a, last)", (2, 3, 1)),
    "Unsqueeze": ("y = Unsqueeze (a, last)", (2, 3)),
    "Cast": ("b = Cast <to = 11> (a)\n y = Cast <to = 1> (b)", (2, 3)),
    "PRelu": ("y = PRelu (a, S4)", (2, 4, 3)),
    "Pow": ("b = Exp (a)\n y = Pow (b, two)", (2, 3)),
    "Clip": ("y = Clip (a, low, high)", (2, 30)),
    **{
        name: (f"b = Mul (a, tenth)\n y = {name} (b)", (2, 3)) for name in ("Asin", "Acos", "Atanh")
    },
    "Acosh": ("b = Exp (a)\n c = Add (b, two)\n y = Acosh (c)", (2, 3)),
    "Log": ("b = Exp (a)\n y = Log (b)", (2, 3)),
    "Sqrt": ("b = Exp (a)\n y = Sqrt (b)", (2, 3)),
    "Reciprocal": ("b = Exp (a)\n y = Reciprocal (b)", (2, 3)),
    **{
        name: (f"y = {name} (a)", (2, 3, 4))
        for name in (
            "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Sigmoid", "Tanh",
            "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Mish", "Erf", "Exp", "Abs", "Neg",
            "Sin", "Cos", "Identity", "Dropout", "Tan", "Atan", "Sinh", "Cosh", "Asinh",
        )
    },
}  # fmt: skip

#: Rules without a test by differences: rounding has no slope; one operator is of old opsets.
ELSEWHERE = {"QuantizeLinear", "DequantizeLinear", "Upsample", "Affine", "Crop", *QUANTISERS}

INTEGERS = {
    "axes": [2],
    "parts": [2, 3],
    "pads": [0, 0, 1, 2, 0, 0, 0, 1],
    "flat": [2, -1],
    "last": [2],
    "sizes": [2, 3, 5, 4],
    "width": [5],
    "cuts": [0, 0, 1, -1, 0, 0, 0, -1],
    "from": [1, 4],
    "to": [3, 0],
    "last2": [2, 3],
    "by": [1, -2],
    "back": [-1, 1],
    "some": [0, 2, 2],
    "single": 1,
    "elements": [[0, 0, 2], [1, 2, 2]],
    "places": [[0, 1], [1, 2]],
    "extent": [3, 2, 4, 3],
    "repeats": [2, 1, 3],
    "middle": [1, 2],
    "first": [0],
    "two_": [2],
}
RANDOM = np.random.default_rng(0)
STORED = {
    "W": RANDOM.standard_normal((3, 4, 3, 3)),
    "G": RANDOM.standard_normal((6, 2, 3, 3)),
    "T": RANDOM.standard_normal((4, 3, 3, 3)),
    "M": RANDOM.standard_normal((4, 5)),
    "N": RANDOM.standard_normal((5, 4)),
    "V": RANDOM.standard_normal(5),
    "V4": RANDOM.standard_normal(4),
    "S": RANDOM.uniform(0.5, 2, 4),
    "S4": RANDOM.uniform(0.5, 2, (4, 1)),
    "GW": RANDOM.standard_normal((1, 9, 4)),
    "GW3": RANDOM.standard_normal((1, 9, 3)),
    "LW3": RANDOM.standard_normal((2, 12, 3)),
    "GR": RANDOM.standard_normal((1, 9, 3)),
    "GB": RANDOM.standard_normal((1, 18)),
    "GH": RANDOM.standard_normal((1, 2, 3)),
    "GW2": RANDOM.standard_normal((2, 9, 4)),
    "GR2": RANDOM.standard_normal((2, 9, 3)),
    "GB2": RANDOM.standard_normal((2, 18)),
    "LW": RANDOM.standard_normal((1, 12, 4)),
    "LR": RANDOM.standard_normal((1, 12, 3)),
    "LB": RANDOM.standard_normal((1, 24)),
    "LW2": RANDOM.standard_normal((2, 12, 4)),
    "LR2": RANDOM.standard_normal((2, 12, 3)),
    "LB2": RANDOM.standard_normal((2, 24)),
    "two": np.array(2.0),
    "tenth": np.array(0.1),
    "low": np.array(-0.5),
    "high": np.array(0.5),
    "scales": np.array([1.0, 1.0, 2.0, 3.0]),
}


def network(text: str, shape: tuple[int, ...], opset: int) -> onnx.ModelProto:
    """x -> a = x -> y, with stored weights."""
    sizes = ", ".join(map(str, shape))
    lines = "\n ".join(["a = Identity (x)", *text.split("\n")])
    made = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]>\n'
        f"net (float[{sizes}] x) => (float y) {{\n {lines}\n}}"
    )
    read = {name for node in made.graph.node for name in node.input}
    arrays = {n: np.asarray(a, np.float32) for n, a in STORED.items()}
    arrays |= {n: np.asarray(a, np.int64) for n, a in INTEGERS.items()}
    kept = [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items() if n in read]
    made.graph.initializer.extend(kept)
    del made.graph.output[0].type.tensor_type.shape.dim[:]
    made.graph.output[0].type.tensor_type.ClearField("shape")
    return made


def slope_and_gradient(model: onnx.ModelProto, x: np.ndarray) -> tuple[float, float]:
    """d(v·y) along a direction, by a difference of the network and by its gradient."""
    loaded = Loaded("net", "net", model)
    described = describe(loaded)
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    tape = Tape(described.values, stored.get)
    grads = backward(described.layers, tape, ["y"], ["a"], RULES)
    assert "a" in grads
    back = tape.model(["y"], [tape.add("Identity", grads["a"])])
    run = runner(loaded, Runtime())
    values = runner(loaded, Runtime(), [*tape.fed])({"x": x}) if tape.fed else []
    random = np.random.default_rng(1)
    v, along = random.standard_normal(run({"x": x})[0].shape), random.standard_normal(x.shape)
    given = {SEED + "y": v.astype(np.float32)}
    taken = {value.name for value in back.graph.input}
    given |= {at: a for at, a in zip(tape.fed.values(), values, strict=True) if at in taken}
    (g,) = runner(Loaded("back", "back", back), Runtime(), [back.graph.output[0].name])(given)
    ahead, behind = (
        float(np.sum(v * run({"x": (x + k * STEP * along).astype(np.float32)})[0])) for k in (1, -1)
    )
    return (ahead - behind) / (2 * STEP), float(np.sum(g * along))


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_is_the_slope(name: str) -> None:
    text, shape = CASES[name]
    opset = {"ReduceMean": 17, "Gelu": 20}.get(name, 18)
    x = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    x = np.where(np.abs(x) < 0.1, x + 0.3, x)  # away from kinks
    by_difference, by_gradient = slope_and_gradient(network(text, shape, opset), x)
    assert by_gradient == pytest.approx(by_difference, rel=2e-2, abs=2e-2)


@pytest.mark.parametrize(("name", "laid_out"), [("Conv, stride 1", False), ("Conv", True)])
def test_only_strided_convolutions_are_transposed(name: str, laid_out: bool) -> None:
    """ONNX Runtime lays out every tap of every position for a ConvTranspose."""
    described = describe(Loaded("net", "net", network(*CASES[name], 18)))
    tape = Tape(described.values, lambda _: None)
    backward(described.layers, tape, ["y"], ["a"], RULES)
    assert ("ConvTranspose" in {node.op_type for node in tape.nodes}) is laid_out


def test_the_input_of_a_relu_need_not_be_kept() -> None:
    described = describe(Loaded("net", "net", network(*CASES["Relu"], 18)))
    tape = Tape(described.values, lambda _: None)
    backward(described.layers, tape, ["y"], ["a"], RULES)
    assert set(tape.fed) == {"y"}


def test_every_rule_has_a_case() -> None:
    assert {name.split(",")[0] for name in CASES} | ELSEWHERE == set(RULES)


def test_sizes_of_different_scans_have_different_names() -> None:
    """ONNX Runtime gives values of the same named sizes the same memory."""
    text, shape = CASES["GRU, several sizes"]
    model = network(text, shape, 18)
    described = describe(Loaded("net", "net", model))
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    tape = Tape(described.values, stored.get)
    backward(described.layers, tape, ["y"], ["a"], RULES)
    scans = [node for node in tape.nodes if node.op_type == "Scan"]
    bodies = [one.g for node in scans for one in node.attribute if one.name == "body"]
    first, second = (
        {dim.dim_param for value in body.input for dim in value.type.tensor_type.shape.dim}
        for body in bodies
    )
    assert len(first) == len(second) == 2
    assert not first & second


def test_quantisation_is_passed_straight_through() -> None:
    text = "q = QuantizeLinear (a, step, zero)\n y = DequantizeLinear (q, step, zero)"
    model = network(text, (2, 30), 18)
    step, zero = np.full((), 0.05, np.float32), np.zeros((), np.int8)
    model.graph.initializer.append(onnx.numpy_helper.from_array(step, "step"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(zero, "zero"))
    x = np.random.default_rng(2).standard_normal((2, 30)).astype(np.float32)
    _, by_gradient = slope_and_gradient(model, x)
    random = np.random.default_rng(1)
    v, along = random.standard_normal(x.shape), random.standard_normal(x.shape)
    assert by_gradient == pytest.approx(float(np.sum(v * along)), rel=1e-5)
