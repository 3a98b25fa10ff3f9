#!/bin/sh
# quantize_static quantizes a shared bias once, with the scale of the first convolution
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Expected: the int32 bias of a quantized convolution has the scale of its input times that of its
#   weights, so a bias that two convolutions share is quantized twice.
# Actual: QuantFormat.QOperator quantizes it once, and both QLinearConv read the same integers. If
#   the input of the second convolution is 100 times as large, its bias is 100 times too large.
#   QuantFormat.QDQ makes a copy for each.
# Affects: heads shared across feature pyramids (RetinaNet, FCOS), siamese networks, and any file in
#   which a tool has merged equal initializers. A shared bias of zeros is harmless.
# Output, error relative to the largest output of each convolution:
#   QOperator: 0.01 0.15, 1 quantized bias
#   QDQ: 0.01 0.02, 2 quantized biases
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
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

rng = np.random.default_rng(0)
draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)
samples = [{"small": draw(1, 4, 9, 9), "large": 100 * draw(1, 4, 9, 9)} for _ in range(8)]
weights = {"v": draw(8, 4, 3, 3), "w": draw(8, 4, 3, 3), "bias": 3 * draw(8)}
graph = helper.make_graph(
    [
        helper.make_node("Conv", ["small", "v", "bias"], ["y"], name="first"),
        helper.make_node("Conv", ["large", "w", "bias"], ["z"], name="second"),
    ],
    "g",
    [helper.make_tensor_value_info(name, 1, [1, 4, 9, 9]) for name in ("small", "large")],
    [helper.make_tensor_value_info(name, 1, [1, 8, 7, 7]) for name in ("y", "z")],
    [numpy_helper.from_array(value, name) for name, value in weights.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
onnx.save(model, "float.onnx")


class Reader(CalibrationDataReader):
    def __init__(self):
        self.rest = iter(samples)

    def get_next(self):
        return next(self.rest, None)


exact = ort.InferenceSession("float.onnx").run(None, samples[0])
for form, copies in ((QuantFormat.QOperator, 1), (QuantFormat.QDQ, 2)):
    quantize_static("float.onnx", "int8.onnx", Reader(), quant_format=form)
    integers = [i for i in onnx.load("int8.onnx").graph.initializer if i.data_type == 6]
    biases = len([i for i in integers if list(i.dims) == [8] and numpy_helper.to_array(i).any()])
    quantized = ort.InferenceSession("int8.onnx").run(None, samples[0])
    first, second = (abs(a - b).max() / abs(a).max() for a, b in zip(exact, quantized))
    plural = "bias" if biases == 1 else "biases"
    print(f"{form.name}: {first:.2f} {second:.2f}, {biases} quantized {plural}")
    assert biases == copies and first < 0.03
    assert second > 0.08 if copies == 1 else second < 0.03
EOF
