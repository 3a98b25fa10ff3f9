#!/bin/sh
# OpenVINO applies a QLinearConv's per-output-channel scales to its input channels
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: a QLinearConv with one weight scale per output channel, which ONNX Runtime's quantizer
#   writes (QuantFormat.QOperator, per_channel=True), is read correctly or refused.
# Actual: read_model applies the scales along axis 1 of the weights, the input channels. If their
#   number differs, the model is refused; if it is equal, OpenVINO runs it and the output is wrong.
#   A QDQ model with the same weights (axis=0) is correct, and so is the QLinearConv in ONNX
#   Runtime's OpenVINO provider (onnxruntime-ep-openvino 1.8.1).
# Output:
#   QLinearConv 4 -> 8: refused
#   QLinearConv 8 -> 8: 130 steps off
#   QDQ 8 -> 8: 0 steps off
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

START = """<ir_version: 8, opset_import: ["": 13]>
g (float[1,IN,9,9] x, int8[OUT,IN,3,3] w, float[OUT] ws, int8[OUT] wz) => (float[1,OUT,7,7] y)
<float s = {0.03}, float s2 = {0.5}, uint8 z = {128}> { q = QuantizeLinear(x, s, z) """
QOPERATOR = START + """
  r = QLinearConv(q, s, z, w, ws, wz, s2, z)
  y = DequantizeLinear(r, s2, z) }"""
QDQ = START + """
  d = DequantizeLinear(q, s, z)
  v = DequantizeLinear<axis=0>(w, ws, wz)
  c = Conv(d, v)
  r = QuantizeLinear(c, s2, z)
  y = DequantizeLinear(r, s2, z) }"""


def steps_off(text, channels, filters):
    rng = np.random.default_rng(0)
    model = parse_model(text.replace("IN", str(channels)).replace("OUT", str(filters)))
    weights = {
        "w": rng.integers(-127, 128, (filters, channels, 3, 3)).astype(np.int8),
        "ws": 0.01 * np.arange(1, filters + 1, dtype=np.float32),
        "wz": np.zeros(filters, np.int8),
    }
    del model.graph.input[1:]
    model.graph.initializer.extend(onnx.numpy_helper.from_array(v, k) for k, v in weights.items())
    onnx.checker.check_model(model, full_check=True)
    x = rng.standard_normal((1, channels, 9, 9)).astype(np.float32)
    session = ort.InferenceSession(model.SerializeToString())
    try:
        read = openvino.Core().compile_model(openvino.Core().read_model(model.SerializeToString()), "CPU")
    except Exception:
        return None
    return int(abs(read([x])[0] - session.run(None, {"x": x})[0]).max() / 0.5)


refused, wrong, right = steps_off(QOPERATOR, 4, 8), steps_off(QOPERATOR, 8, 8), steps_off(QDQ, 8, 8)
print("QLinearConv 4 -> 8:", "refused" if refused is None else refused)
print(f"QLinearConv 8 -> 8: {wrong} steps off")
print(f"QDQ 8 -> 8: {right} steps off")
assert refused is None and wrong > 10 and right <= 1
EOF
