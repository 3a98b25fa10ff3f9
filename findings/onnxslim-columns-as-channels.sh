#!/bin/sh
# OnnxSlim folds a per-column factor into a convolution as if it were per channel
#
# Versions: onnxslim 0.1.98, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: Conv -> Mul by a vector [8] is left alone or folded by the rules of broadcasting, where
#   [8] is the last axis, the width.
# Actual: if the width equals the number of output channels, the vector is folded as one factor per
#   channel. Shapes stay correct and there is no warning, but the output is wrong. A vector [8, 1,
#   1], which really is per channel, is folded correctly, and a width of 9 with [9] is left alone.
# Affects: networks with a factor along time or width after a convolution (positional or windowing)
#   whose width happens to equal the number of channels, such as 64 or 128.
# Output:
#   8 channels, width 8, factor [8]: Conv, wrong
#   8 channels, width 8, factor [8, 1, 1]: Conv, right
#   8 channels, width 9, factor [9]: Conv Mul, right
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxruntime as ort
import onnxslim
from onnx import helper, numpy_helper

rng = np.random.default_rng(0)


def model(width, factor):
    weight = rng.standard_normal((8, 4, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("Mul", ["a", "f"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 4, width, width])],
        [helper.make_tensor_value_info("y", 1, [1, 8, width, width])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(factor, "f")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def run(made, x):
    return ort.InferenceSession(made.SerializeToString()).run(None, {"x": x})[0]


seen = []
for width, shape in ((8, [8]), (8, [8, 1, 1]), (9, [9])):
    made = model(width, rng.uniform(1, 3, shape).astype(np.float32))
    x = rng.standard_normal((1, 4, width, width)).astype(np.float32)
    slim = onnxslim.slim(made)
    right = np.allclose(run(made, x), run(slim, x), atol=1e-3)
    operators = " ".join(node.op_type for node in slim.graph.node)
    print(f"8 channels, width {width}, factor {shape}: {operators}, {'right' if right else 'wrong'}")
    seen.append((operators, right))
assert seen == [("Conv", False), ("Conv", True), ("Conv Mul", True)]
EOF
