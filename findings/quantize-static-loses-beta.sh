#!/bin/sh
# quantize_static drops a Gemm's beta, and QGemm scales the bias by alpha
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Expected: a static int8 model of y = alpha A B + beta C is off by about a per cent, as it is with
#   alpha = beta = 1.
# Actual: QuantFormat.QDQ resets beta to 1 and leaves the bias C unchanged. QuantFormat.QOperator
#   writes a QGemm, which has no beta and also multiplies the bias by alpha. Both run without a
#   warning.
# Affects: exports of addmm with beta or alpha.
# Output, error relative to the largest output:
#   alpha 1.0, beta 1.0: QDQ 0.00, QOperator 0.01
#   alpha 1.0, beta 3.0: QDQ 0.60, QOperator 0.58
#   alpha 0.2, beta 1.0: QDQ 0.00, QOperator 0.71
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
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

rng = np.random.default_rng(0)
samples = [{"x": rng.uniform(-1, 1, (3, 8)).astype(np.float32)} for _ in range(8)]


class Reader(CalibrationDataReader):
    def __init__(self):
        self.rest = iter(samples)

    def get_next(self):
        return next(self.rest, None)


def error(alpha, beta, form):
    model = parse_model(f"""<ir_version: 8, opset_import: ["": 17]>
    g (float[3,8] x, float[8,4] w, float[4] c) => (float[3,4] y)
    {{ [gemm] y = Gemm<alpha={alpha}, beta={beta}>(x, w, c) }}""")
    weights = {"w": rng.uniform(-1, 1, (8, 4)), "c": rng.uniform(1, 2, 4)}
    del model.graph.input[1:]
    for name, value in weights.items():
        tensor = onnx.numpy_helper.from_array(value.astype(np.float32), name)
        model.graph.initializer.append(tensor)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "float.onnx")
    quantize_static("float.onnx", "int8.onnx", Reader(), quant_format=form)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    right, quantized = (
        ort.InferenceSession(path, options).run(None, samples[0])[0]
        for path in ("float.onnx", "int8.onnx")
    )
    return abs(right - quantized).max() / abs(right).max()


for alpha, beta in ((1.0, 1.0), (1.0, 3.0), (0.2, 1.0)):
    qdq, qoperator = (error(alpha, beta, form) for form in (QuantFormat.QDQ, QuantFormat.QOperator))
    print(f"alpha {alpha}, beta {beta}: QDQ {qdq:.2f}, QOperator {qoperator:.2f}")
    assert (qdq > 0.2) == (beta != 1)
    assert (qoperator > 0.2) == (alpha != 1 or beta != 1)
EOF
