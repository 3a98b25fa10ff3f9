#!/bin/sh
# Models that ONNX Runtime saves after optimization can have more channels than the original
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6 (on x86-64, which has the blocked layout)
# Expected: the file at optimized_model_filepath has the same weights and fewer nodes, so its params
#   and MACs do not exceed those of the original.
# Actual: at the default level, a Conv is stored as com.microsoft.nchwc Conv, whose output channels
#   are rounded up to whole blocks. 12 filters become 16, padded with zeros: a third more params and
#   MACs. Workaround: ORT_ENABLE_EXTENDED, which leaves them unchanged.
# Output:
#   float: Conv, weights [12, 8, 3, 3]
#   ORT_ENABLE_EXTENDED: Conv, weights [12, 8, 3, 3]
#   ORT_ENABLE_ALL: com.microsoft.nchwc Conv, weights [16, 8, 3, 3], 4 filters of zeros
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

weight = np.random.default_rng(0).standard_normal((12, 8, 3, 3)).astype(np.float32)
graph = helper.make_graph(
    [helper.make_node("Conv", ["x", "w"], ["y"])],
    "g",
    [helper.make_tensor_value_info("x", 1, [1, 8, 9, 9])],
    [helper.make_tensor_value_info("y", 1, [1, 12, 7, 7])],
    [numpy_helper.from_array(weight, "w")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model, full_check=True)


def describe(name, model):
    (conv,) = [node for node in model.graph.node if node.op_type == "Conv"]
    (stored,) = [i for i in model.graph.initializer if i.name == conv.input[1]]
    values = numpy_helper.to_array(stored)
    # a weight in blocks keeps its filters in blocks too, so zeros are counted by element
    zeros = int((values == 0).sum()) // weight[0].size
    text = f"{conv.domain} Conv".strip()
    print(f"{name}: {text}, weights {list(stored.dims)}" + (f", {zeros} filters of zeros" if zeros else ""))
    return text, list(stored.dims)


plain = ("Conv", [12, 8, 3, 3])
assert describe("float", model) == plain
for level in ("ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.optimized_model_filepath = "optimized.onnx"
    ort.InferenceSession(model.SerializeToString(), options)
    expected = ("com.microsoft.nchwc Conv", [16, 8, 3, 3]) if level.endswith("ALL") else plain
    assert describe(level, onnx.load("optimized.onnx")) == expected
EOF
