#!/bin/sh
# OpenVINO keeps a pooling window that lies entirely in the padding
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: with ceil_mode, a last window that starts in the right padding is dropped. Opset 22
#   requires this; PyTorch and ONNX Runtime do it at every opset.
# Actual: OpenVINO keeps it, even at opset 22. The output has one more row than onnx's shape
#   inference says, and MaxPool fills it with the lowest float, which the next layer then sums. ONNX
#   Runtime's OpenVINO provider refuses such a model because the sizes differ.
# Output (8 rows, kernel 3, stride 3, pads 1):
#   onnx (1, 1, 3, 3), ONNX Runtime (1, 1, 3, 3), OpenVINO (1, 1, 4, 3)
#   OpenVINO's last row: [-3.4028235e+38 -3.4028235e+38 -3.4028235e+38]
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxruntime as ort
import openvino
from onnx.parser import parse_model

model = parse_model("""<ir_version: 10, opset_import: ["": 22]>
g (float[1,1,8,7] x) => (float[n,c,h,w] y)
{ y = MaxPool<kernel_shape=[3,3], strides=[3,3], pads=[1,1,1,1], ceil_mode=1>(x) }""")
onnx.checker.check_model(model, full_check=True)
x = np.random.default_rng(0).standard_normal((1, 1, 8, 7)).astype(np.float32)
inferred = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim
by_onnx = tuple(dim.dim_value for dim in inferred)
mine = ort.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
core = openvino.Core()
core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
theirs = core.compile_model(core.read_model(model.SerializeToString()), "CPU")([x])[0]
print(f"onnx {by_onnx}, ONNX Runtime {mine.shape}, OpenVINO {theirs.shape}")
print("OpenVINO's last row:", theirs[0, 0, 3])
assert by_onnx == mine.shape == (1, 1, 3, 3)
assert np.allclose(theirs[:, :, :3], mine) and (theirs[:, :, 3] < -3e38).all()
EOF
