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
from sepcost.separable.runs.backward.tape import SEED, Tape, backward

STEP = 1e-3

#: op_type -> nodes from "a" to "y", and the shape of "a". W, B, C, ... are stored.
CASES: dict[str, tuple[str, tuple[int, ...]]] = {
    "Conv": ("y = Conv <pads = [1, 0, 2, 1], strides = [2, 1]> (a, W)", (2, 4, 7, 6)),
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
    "Log": ("b = Exp (a)\n y = Log (b)", (2, 3)),
    "Sqrt": ("b = Exp (a)\n y = Sqrt (b)", (2, 3)),
    "Reciprocal": ("b = Exp (a)\n y = Reciprocal (b)", (2, 3)),
    **{
        name: (f"y = {name} (a)", (2, 3, 4))
        for name in (
            "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Sigmoid", "Tanh",
            "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Mish", "Erf", "Exp", "Abs", "Neg",
            "Sin", "Cos", "Identity", "Dropout",
        )
    },
}  # fmt: skip

#: Rules without a test by differences: rounding has no slope; one operator is of old opsets.
ELSEWHERE = {"QuantizeLinear", "DequantizeLinear", "Upsample"}

INTEGERS = {
    "axes": [2],
    "parts": [2, 3],
    "pads": [0, 0, 1, 2, 0, 0, 0, 1],
    "flat": [2, -1],
    "last": [2],
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
    "two": np.array(2.0),
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
    opset = 17 if name == "ReduceMean" else 18
    x = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    x = np.where(np.abs(x) < 0.1, x + 0.3, x)  # away from kinks
    by_difference, by_gradient = slope_and_gradient(network(text, shape, opset), x)
    assert by_gradient == pytest.approx(by_difference, rel=2e-2, abs=2e-2)


def test_every_rule_has_a_case() -> None:
    assert {name.split(",")[0] for name in CASES} | ELSEWHERE == set(RULES)


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
