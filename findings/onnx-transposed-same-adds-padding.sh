#!/bin/sh
# onnx's shape inference adds output_padding to a ConvTranspose with auto_pad SAME; runtimes do not
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: onnx's inference and ONNX Runtime agree on the shapes of standard operators.
# Actual: with SAME_UPPER, the ONNX specification makes the output input x stride. ONNX Runtime
#   follows it and accounts for output_padding in the pads. onnx's inference adds output_padding on
#   top: all shapes downstream are too large, and strict inference refuses models that declare
#   correct shapes.
# Output (x [1,1,9,10], stride 2, output_padding 1):
#   onnx (19, 21), ONNX Runtime (18, 20)
#   without output_padding: onnx (18, 20), ONNX Runtime (18, 20)
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


def shapes(attributes):
    model = parse_model(f"""<ir_version: 8, opset_import: ["": 17]>
    g (float[1,1,9,10] x) => (float[n,c,h,w] y) <float[1,1,3,3] f = {{1,1,1,1,1,1,1,1,1}}>
    {{ y = ConvTranspose<strides=[2,2], auto_pad="SAME_UPPER"{attributes}>(x, f) }}""")
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options)
    seen = session.run(None, {"x": np.zeros((1, 1, 9, 10), np.float32)})[0].shape
    return tuple(dim.dim_value for dim in inferred)[2:], seen[2:]


padded, plain = shapes(", output_padding=[1,1]"), shapes("")
print(f"onnx {padded[0]}, ONNX Runtime {padded[1]}")
print(f"without output_padding: onnx {plain[0]}, ONNX Runtime {plain[1]}")
assert padded == ((19, 21), (18, 20)) and plain == ((18, 20), (18, 20))
EOF
