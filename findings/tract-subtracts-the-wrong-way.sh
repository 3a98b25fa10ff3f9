#!/bin/sh
# tract computes a per-channel constant minus a convolution as their sum
#
# Versions: tract 0.23.9, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6 (on x86-64 with AVX-512; tract
#   picks kernels by processor, so others may differ)
# Expected: c - conv(x), a Sub node, is c - conv(x) in every runtime.
# Actual: tract fuses the Sub with a 3x3 convolution and computes c + conv(x). The reverse order,
#   conv(x) - c, is correct, and so are Add, Mul, and 1x1 or grouped convolutions.
# Output, c = 3 for each of 8 channels:
#   3x3: c - conv(x) computed as c + conv(x)
#   3x3, conv(x) - c: right
#   1x1: right
#   3x3, 4 groups: right
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q tract==0.23.9 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxruntime as ort
import tract
from onnx import helper, numpy_helper

rng = np.random.default_rng(0)
x = rng.standard_normal((1, 4, 8, 8)).astype(np.float32)


def both(kernel, groups, order):
    weight = rng.standard_normal((8, 4 // groups, kernel, kernel)).astype(np.float32)
    size = 9 - kernel
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], group=groups),
            helper.make_node("Sub", order, ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 4, 8, 8])],
        [helper.make_tensor_value_info("y", 1, [1, 8, size, size])],
        [
            numpy_helper.from_array(weight, "w"),
            numpy_helper.from_array(np.full((8, 1, 1), 3, np.float32), "c"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "m.onnx")
    runnable = tract.onnx().load("m.onnx").into_model().into_runnable()
    right = ort.InferenceSession("m.onnx").run(None, {"x": x})[0]
    return right, runnable.run([x])[0].to_numpy()


right, seen = both(3, 1, ["c", "a"])
assert np.allclose(seen, 3 + (3 - right), atol=1e-3) and not np.allclose(seen, right, atol=1e-3)
print("3x3: c - conv(x) computed as c + conv(x)")
others = {"3x3, conv(x) - c": (3, 1, ["a", "c"]), "1x1": (1, 1, ["c", "a"]),
          "3x3, 4 groups": (3, 4, ["c", "a"])}
for name, case in others.items():
    assert np.allclose(*both(*case), atol=1e-3), name
    print(f"{name}: right")
EOF
