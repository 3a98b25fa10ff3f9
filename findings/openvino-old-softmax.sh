#!/bin/sh
# OpenVINO gives Softmax below opset 13 the meaning of opset 13
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: below opset 13, Softmax(axis=1) of [2,3,4] is one distribution over 3 x 4, that is, over
#   all axes from axis on. ONNX defines it so, and ONNX Runtime computes it so.
# Actual: OpenVINO, which accepts these opsets, computes one distribution over axis 1 only. Shapes
#   are equal, so only the sums reveal it. The default axis below opset 13 is 1, so every model that
#   relies on it is affected if the input has three axes or more. ONNX Runtime's OpenVINO provider
#   returns the same wrong output.
# Output:
#   opset 12: sums over all but the first axis: ONNX Runtime [1. 1.], OpenVINO [4. 4.]
#   opset 13: sums over all but the first axis: ONNX Runtime [4. 4.], OpenVINO [4. 4.]
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

x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
for opset, expected in ((12, (1, 4)), (13, (4, 4))):
    model = parse_model(f"""<ir_version: 7, opset_import: ["": {opset}]>
    g (float[2,3,4] x) => (float[2,3,4] y) {{ y = Softmax<axis=1>(x) }}""")
    onnx.checker.check_model(model, full_check=True)
    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU")
    session = ort.InferenceSession(model.SerializeToString())
    sums = [y.sum((1, 2)).round(3) for y in (session.run(None, {"x": x})[0], compiled([x])[0])]
    print(f"opset {opset}: sums over all but the first axis: ONNX Runtime {sums[0]}, OpenVINO {sums[1]}")
    assert all(np.allclose(total, right) for total, right in zip(sums, expected))
EOF
