#!/bin/sh
# onnxconverter-common's float16 conversion clips weights at 10,000 instead of 65,504
#
# Versions: onnxconverter-common 1.16.0, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: weights that float16 can represent are kept; only values above its maximum, 65,504, are
#   clipped. The function of the same name in onnxruntime.transformers.float16 does this.
# Actual: max_finite_val defaults to 1e4, so a scale of 30,000 becomes 10,000 and the output is a
#   third of what it should be. The only sign is a warning. Similarly, 6e-8, which float16 can
#   represent, becomes 1e-7. Workaround: max_finite_val=65504 and min_positive_val=5.96e-8.
# Affects: models with large scales, such as those for unnormalised features.
# Output:
#   float32 30000.0
#   onnxconverter_common 10000.0
#   onnxconverter_common, max_finite_val=65504 30000.0
#   onnxruntime.transformers 30000.0
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnxconverter-common==1.16.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python -W ignore - <<'EOF'
import numpy as np
import onnx
import onnxruntime as ort
from onnx.parser import parse_model
from onnxconverter_common import float16
from onnxruntime.transformers import float16 as of_ort


def model():
    made = parse_model("""<ir_version: 8, opset_import: ["": 17]>
    g (float[1] x) => (float[1] y) <float[1] s = {30000}> { y = Mul(x, s) }""")
    made.graph.node[0].name = "scale"
    onnx.checker.check_model(made, full_check=True)
    return made


conversions = {
    "float32": (lambda m: m, 30000),
    "onnxconverter_common": (
        lambda m: float16.convert_float_to_float16(m, keep_io_types=True), 10000),
    "onnxconverter_common, max_finite_val=65504": (
        lambda m: float16.convert_float_to_float16(m, keep_io_types=True, max_finite_val=65504), 30000),
    "onnxruntime.transformers": (
        lambda m: of_ort.convert_float_to_float16(m, keep_io_types=True), 30000),
}
for name, (convert, expected) in conversions.items():
    session = ort.InferenceSession(convert(model()).SerializeToString())
    y = session.run(None, {"x": np.ones(1, np.float32)})[0][0]
    print(name, y)
    assert y == expected
EOF
