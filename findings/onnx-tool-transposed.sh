#!/bin/sh
# onnx-tool miscounts ConvTranspose, and MatMul with broadcast batches
#
# Versions: onnx-tool 1.0.1, onnx 1.23.2, numpy 2.4.6
# Expected: ConvTranspose multiplies each input element by every weight that it reaches: input
#   elements x (output channels / group) x kernel. For x [1,8,8,8], 16 channels, kernel 4, stride 2:
#   131,072. MatMul of [2,1,4,8] by [3,8,5] has 2*3*4*5 outputs of 8 products each: 960.
# Actual: ConvTranspose is counted with the formula of Conv, output elements x weight[1:]. But here
#   weight[1:] starts with the output channels: (16 x 18 x 18) x (16 x 4 x 4), ten times too much.
#   MatMul is counted with the batches of its first operand only, ignoring broadcasting.
# Affects: decoders (U-Nets, generators), and attention that broadcasts shared key heads.
# Output:
#   ConvTranspose: by hand 131072, onnx-tool 1327104
#   MatMul: by hand 960, onnx-tool 480
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnx-tool==1.0.1 onnx==1.23.2 numpy==2.4.6
venv/bin/python - <<'EOF'
import contextlib
import io

import numpy as np
import onnx
import onnx_tool
from onnx import helper, numpy_helper


def macs(operator, x, w, y, **attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["y"], name="n", **attributes)],
        "g",
        [helper.make_tensor_value_info("x", 1, x)],
        [helper.make_tensor_value_info("y", 1, y)],
        [numpy_helper.from_array(np.ones(w, np.float32), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, "m.onnx")
    with contextlib.redirect_stdout(io.StringIO()):
        read = onnx_tool.Model("m.onnx")
        read.graph.shape_infer()
        read.graph.profile()
    return int(read.graph.macs[0])


transposed = macs("ConvTranspose", [1, 8, 8, 8], [8, 16, 4, 4], [1, 16, 18, 18], strides=[2, 2])
by_hand = 8 * 8 * 8 * 16 * 4 * 4
print(f"ConvTranspose: by hand {by_hand}, onnx-tool {transposed}")
broadcast = macs("MatMul", [2, 1, 4, 8], [3, 8, 5], [2, 3, 4, 5])
print(f"MatMul: by hand {2 * 3 * 4 * 5 * 8}, onnx-tool {broadcast}")
assert transposed == (16 * 18 * 18) * (16 * 4 * 4)  # output elements x weight[1:]
assert broadcast == 480
EOF
