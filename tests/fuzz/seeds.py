"""The seeds of fuzzing: small valid inputs, made from text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser

from sepcost.model.spec import find

HEADER = '<ir_version: 10, opset_import: ["" : 17, "local" : 1]>\n'

MODELS = (
    "g (float[1,2,4,4] x, float[3,2,3,3] w) => (y) { y = Conv <pads = [1,1,1,1]> (x, w) }",
    "g (float[1,4,4] x) => (y) <float[4,1,3] w = {1,2,3,4,5,6,7,8,9,10,11,12}>"
    ' { a = Conv <group = 4, auto_pad = "SAME_UPPER"> (x, w) y = Relu (a) }',
    "g (float[1,2,3,3] x, float[2,3,2,2] w) => (y) { y = ConvTranspose <strides = [2,2]> (x, w) }",
    "g (float[N,4] x) => (y) <float[4,2] w = {1,2,3,4,5,6,7,8}> { y = MatMul (x, w) }",
    "g (float[2,6] x) => (y) <int64[2] s = {-1, 3}> { a = Shape (x) b = Reshape (x, s)"
    " c = Size (b) y = Concat <axis = 0> (a, a) }",
    "g (float[2,2] x, bool c) => (y) { y = If (c) <then_branch = t () => (p) { p = Relu (x) },"
    " else_branch = e () => (q) { q = MatMul (x, x) }> }",
    "g (float[2,2] x) => (y) <int64 n = {3}> { y = Loop (n, , x) <body = b (int64 i, bool k,"
    " float[2,2] v) => (bool l, float[2,2] u) { l = Identity (k) u = MatMul (v, v) }> }",
    'g (float[2,2] x) => (y) { y = local.f (x) }\n<domain: "local", opset_import: ["" : 17]>'
    " f (a) => (b) { b = Gemm (a, a) }",
    'g (float[1,4] x) => (y) { y = Einsum <equation = "ij,kj->ik"> (x, x) }',
)

SPECS = (
    'input = [3, 8, 8]\nlayers = [\n  { conv = 4, stride = 2 },\n  "global_pool",'
    "\n  { linear = 10 },\n]\n",
    'name = "n"\ninput = [4, 9]\nbatch = 2\nalpha = 0.5\ndivisor = 2\ndefaults = { bias = false }\n'
    'layers = [{ separable_conv = 8, kernel = [3], repeat = 2, name = "a" }, { pool = "max" },'
    ' { depthwise_conv = true, padding = [1, 1], activation = "relu6" }, "flatten", "softmax"]\n',
    'input = [2, 4, 4]\nlayers = [{ block = "r", channels = 2, repeat = 2 }]\n[blocks.r]\n'
    'layers = [{ conv = "2 * $channels / 2", batch_norm = true }, { add = "input" }, "relu",'
    ' { layers = [{ pointwise_conv = "$in" }, { concat = "previous" }] }]\n',
)  # fmt: skip

CONFIGS = (
    'provider = "cpu"\nthreads = 2\nbaseline = "git:origin/main"\ninconclusive = "fail"\n'
    '[defaults]\nallow-unknown = true\n[budgets."models/*.onnx"]\nbind = { N = 1, H = "4:8:2" }\n'
    'macs = "600 M"\nfile-size = "10 MB"\nlatency-vs-baseline = "+5 %"\nseparable-headroom = "2x"\n'
    'forbid-ops = ["Loop"]\nlevel = "warn"\nper-layer = { macs = "1 G" }\n',
    '# p\n[tool.sepcost]\nthreads = 1\n[tool.sepcost.budgets."m.onnx"]\nmacs = 5\n'
    "shape = { x = [1, 3] }\ntrips = { l = 3 }\nalpha = 0.5\n",
)

BASELINES = (
    '{"schema": "sepcost/baseline/1", "models": {"m.onnx": {"macs": 5, "params": 7}}}',
    '{"schema": "sepcost/baseline/1", "models": {"a": {"separable-macs": 3, "macs": 9}, "b": {}}}',
)

MACHINES = (
    '# Peaks\nschema = "sepcost/machine/1"\nname = "pi5"\nthreads = 4\nmacs_per_second = 5.76e10\n'
    "bytes_per_second = 19000000000\nint8_macs_per_second = 2.048e11\n",
)

OPTIONS = (
    "bind\nN=1:8\nH=224:640:32", "named-shape\nx=1x3xHxW",
    "bind\nN=1,2,4\nH=224", "shape\nx=1x3x224x224\ny=", "trips\nloop=10", "session\na.b=c=d",
    "provider\nopenvino,cpu", "provider-option\ncuda,cpu\ncuda:device_id=1\nkey=value",
    "fraction\n1%", "percentiles\n50,90,99.9", "goal\nfull", "goal\n\n0.02", "goal\n\n\n\n50%",
    "forms\ndepthwise-pointwise,bottleneck", "numbers\n0.485,0.456", "size\n224x224",
    "conv\n3x3,512,512,14,stride=2,group=32", "budget\nmacs=600M\nforbid-ops=Loop,If",
    "budget\nlatency-vs-baseline=+5 %\nper-layer.macs=1 G\nfile-size=10MB\nlatency=12ms",
)  # fmt: skip

SPEC_WORDS = (
    "input", "layers", "conv", "pointwise_conv", "depthwise_conv", "separable_conv", "linear",
    "pool", "global_pool", "batch_norm", "activation", "softmax", "flatten", "dropout", "add",
    "multiply", "concat", "block", "blocks", "from", "repeat", "name", "kernel", "stride",
    "padding", "dilation", "groups", "multiplier", "bias", "defaults", "alpha", "rho", "divisor",
    "batch", "min_alpha", "same", "valid", "previous", "$in", "$channels", "1e999", "nan",
    "9223372036854775807", "16777216", "[[layers]]", "true", "'''", '"""', "1979-05-27",
)  # fmt: skip
CONFIG_WORDS = (
    "provider", "threads", "baseline", "inconclusive", "allow-unknown", "defaults", "budgets",
    "bind", "shape", "trips", "alpha", "rho", "observe", "level", "macs", "flops", "params",
    "file-size", "latency", "peak-activations", "separable-headroom", "-vs-baseline", "per-layer",
    "forbid-ops", "coverage", "tool.sepcost", "600 M", "+5 %", "10 MiB", "12 ms", "2x", "inf",
    "nan", "1e400", "-0", "[[", "]]", "warn", "git:", "1979-05-27T00:00:00Z",
)  # fmt: skip
BASELINE_WORDS = (
    "schema", "models", "sepcost/baseline/1", "macs", "params", "separable-macs", "file-size",
    "NaN", "Infinity", "1e999", "-0", "\\ud800", "\\u0000", "true", "null",
)  # fmt: skip
MACHINE_WORDS = (
    "schema", "sepcost/machine/1", "macs_per_second", "bytes_per_second", "threads", "inf", "nan",
    "1e400", "-1", "0", "true", '"x"', "[]", "1979-05-27",
)  # fmt: skip
OPTION_WORDS = (
    "named-shape\n", ":",
    "bind\n", "shape\n", "trips\n", "session\n", "provider\n", "provider-option\n", "fraction\n",
    "percentiles\n", "goal\n", "forms\n", "numbers\n", "size\n", "conv\n", "budget\n", "%", "x",
    "×", "=", ",", "inf", "nan", "1e400", "1_0", "²", "٣", "full", "cpu", "cuda:", "+5 %", "GB",
)  # fmt: skip


def models() -> Sequence[bytes]:
    """ONNX files with the operators and graphs that have their own code paths."""
    parsed = [onnx.parser.parse_model(HEADER + text).SerializeToString() for text in MODELS]
    return [bytes(data) for data in parsed]


def specs() -> Sequence[bytes]:
    """Layer specs with every kind of layer, and the smallest shipped network."""
    return [*(text.encode() for text in SPECS), Path(find("small-cnn")).read_bytes()]


def configs() -> Sequence[bytes]:
    """Budgets for both configuration files."""
    return [text.encode() for text in CONFIGS]


def baselines() -> Sequence[bytes]:
    """Baseline files."""
    return [text.encode() for text in BASELINES]


def machines() -> Sequence[bytes]:
    """Files of a machine's peaks."""
    return [text.encode() for text in MACHINES]


def typed() -> Sequence[bytes]:
    """A line that names the parser, then the text that was typed."""
    return [text.encode() for text in OPTIONS]


def arrays() -> Sequence[bytes]:
    """Single arrays as .npy."""
    return [
        _bytes(np.save, np.ones((2, 3), dtype)) for dtype in ("float32", "float64", "uint8", "<U2")
    ]


def archives() -> Sequence[bytes]:
    """Archives of arrays, compressed and uncompressed."""
    x, i = np.ones((2, 3), np.float32), np.ones(1, np.int64)
    samples, labels = np.ones((4, 2, 3), np.float32), np.arange(4)
    return [
        _bytes(np.savez, x=x, i=i), _bytes(np.savez_compressed, x=x, i=i),
        _bytes(np.savez, x=samples, labels=labels), _bytes(np.savez_compressed, samples),
    ]  # fmt: skip


def _bytes(write: Any, *arrays_: Any, **named: Any) -> bytes:
    file = io.BytesIO()
    write(file, *arrays_, **named)
    return file.getvalue()
