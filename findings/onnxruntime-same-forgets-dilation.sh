#!/bin/sh
# ONNX Runtime's AveragePool ignores dilation when it computes SAME padding
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Expected: at stride 1, SAME_UPPER keeps the size for any dilation (AveragePool has dilations since
#   opset 19), or the model is refused, as ONNX Runtime's CPU provider refuses a Conv with both.
# Actual: the padding is computed for the undilated kernel, so the output is too small by kernel -
#   1. It no longer matches the declared shape, and ONNX Runtime only warns. onnx's shape inference
#   gives the full size. Workaround: explicit pads.
# Output (x [1,1,9,10], kernel 2, dilation 2):
#   AveragePool: onnx (9, 10), ONNX Runtime (8, 9)
#   AveragePool, pads instead of auto_pad: onnx (9, 10), ONNX Runtime (9, 10)
#   Conv: refused at run time
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
from onnx.parser import parse_model


def shapes(node, weight=""):
    model = parse_model(f"""<ir_version: 9, opset_import: ["": 19]>
    g (float[1,1,9,10] x) => (float[n,c,h,w] y) {weight} {{ y = {node} }}""")
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options)
    try:
        seen = session.run(None, {"x": np.zeros((1, 1, 9, 10), np.float32)})[0].shape[2:]
    except Exception:
        seen = "refused"
    return tuple(dim.dim_value for dim in inferred)[2:], seen


pool = "AveragePool<kernel_shape=[2,2], dilations=[2,2], {}>(x)"
same = shapes(pool.format('auto_pad="SAME_UPPER"'))
print(f"AveragePool: onnx {same[0]}, ONNX Runtime {same[1]}")
pads = shapes(pool.format("pads=[1,1,1,1]"))
print(f"AveragePool, pads instead of auto_pad: onnx {pads[0]}, ONNX Runtime {pads[1]}")
conv = shapes('Conv<auto_pad="SAME_UPPER", dilations=[2,2]>(x, f)', "<float[1,1,2,2] f = {1,1,1,1}>")
print(f"Conv: {conv[1]} at run time")
assert same == ((9, 10), (8, 9)) and pads == ((9, 10), (9, 10)) and conv == ((9, 10), "refused")
EOF
