#!/bin/sh
# onnxoptimizer drops a Reshape although the next one refers to its output with a 0
#
# Versions: onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: of two consecutive Reshapes, the first is dropped only if the second does not depend on
#   it.
# Actual: eliminate_consecutive_idempotent_ops, a default pass, treats Reshape as idempotent. It
#   drops the first even if the second contains a 0, which copies a size of its input. Often the
#   result fails to run; but if the number of elements still fits, it runs and returns a different
#   shape.
# Affects: attention, where heads are split and merged by Reshapes with zeros.
# Output:
#   [2,3,4] -> [6,4] -> [0,2,2]: (6, 2, 2), optimized: refused
#   [2,3,4] -> [4,3,2] -> [0,-1]: (4, 6), optimized: (2, 12)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime as ort
from onnx.parser import parse_model


def model(first, second):
    braces = [str(sizes).replace("[", "{").replace("]", "}") for sizes in (first, second)]
    made = parse_model(f"""<ir_version: 8, opset_import: ["": 17]>
    g (float[2,3,4] x) => (float[{",".join("abc"[: len(second)])}] y)
    <int64[{len(first)}] r = {braces[0]}, int64[{len(second)}] s = {braces[1]}>
    {{ m = Reshape(x, r)
      y = Reshape(m, s) }}""")
    onnx.checker.check_model(made, full_check=True)
    return made


def shape(made):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    x = np.zeros((2, 3, 4), np.float32)
    try:
        return ort.InferenceSession(made.SerializeToString(), options).run(None, {"x": x})[0].shape
    except Exception:
        return "refused"


expected = {"refused": ([6, 4], [0, 2, 2]), (2, 12): ([4, 3, 2], [0, -1])}
for wrong, (first, second) in expected.items():
    made = model(first, second)
    optimized = onnxoptimizer.optimize(made)
    text = f"[2,3,4] -> {first} -> {second}".replace(", ", ",")
    print(f"{text}: {shape(made)}, optimized: {shape(optimized)}")
    assert [n.op_type for n in optimized.graph.node] == ["Reshape"]
    assert shape(made) != shape(optimized) == wrong
EOF
