#!/bin/sh
# quantize_static removes a Clip whose range does not contain zero
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Expected: a Clip after a convolution is merged into the range of the quantized output (as for
#   ReLU6), and kept if that range cannot express it.
# Actual: the range of a quantized output is extended to contain 0, and the Clip is removed anyway.
#   So Clip(0.5, 1) lets through everything down to 0, and Clip(-2, -1) everything up to 0. A model
#   that divides by the output or takes its logarithm then gets zeros that the Clip had excluded.
# Affects: depth and scale heads, temperature and sigma outputs, clamps before a logarithm.
# Output:
#   Clip(0, 6): int8 outputs from 0.0 to 6.0, Clip gone
#   Clip(0.5, 1): int8 outputs from 0.0 to 1.0, Clip gone
#   Clip(-2, -1): int8 outputs from -2.0 to 0.0, Clip gone
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python - 2>/dev/null <<'EOF'
import numpy as np
import onnx
import onnxruntime as ort
from onnx.parser import parse_model
from onnxruntime.quantization import CalibrationDataReader, quantize_static

rng = np.random.default_rng(0)
weight = onnx.numpy_helper.from_array(rng.standard_normal((8, 4, 3, 3)).astype(np.float32), "w")
samples = [{"x": rng.standard_normal((1, 4, 9, 9)).astype(np.float32)} for _ in range(8)]


class Reader(CalibrationDataReader):
    def __init__(self):
        self.rest = iter(samples)

    def get_next(self):
        return next(self.rest, None)


for low, high in ((0, 6), (0.5, 1), (-2, -1)):
    model = parse_model(f"""<ir_version: 8, opset_import: ["": 17]>
    g (float[1,4,9,9] x) => (float[1,8,7,7] y) <float low = {{{low}}}, float high = {{{high}}},
      float[8,4,3,3] w = {{{",".join(["0"] * 288)}}}>
    {{ [conv] a = Conv(x, w)
      [clip] y = Clip(a, low, high) }}""")
    model.graph.initializer[2].CopyFrom(weight)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "float.onnx")
    quantize_static("float.onnx", "int8.onnx", Reader())
    exact, y = (
        ort.InferenceSession(name).run(None, samples[0])[0] for name in ("float.onnx", "int8.onnx")
    )
    gone = "Clip" not in [node.op_type for node in onnx.load("int8.onnx").graph.node]
    print(f"Clip({low}, {high}): int8 outputs from {y.min():.1f} to {y.max():.1f},", gone and "Clip gone")
    assert gone and exact.min() >= low and exact.max() <= high
    assert np.isclose(y.min(), min(low, 0), atol=0.01) and np.isclose(y.max(), max(high, 0), atol=0.01)
EOF
