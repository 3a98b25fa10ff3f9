#!/bin/sh
# onnx.version_converter leaves operators unchanged whose meaning changed
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: convert_version writes a model of the newer opset that computes the same, or refuses.
# Actual, without a warning:
#   Resize (10 -> 13), mode linear: opset 10 samples at x / scale, which opset 11 calls
#     "asymmetric". The converter does not set coordinate_transformation_mode, whose default is
#     "half_pixel". Upsample (9 -> 13) has the same fault. It does not show where both modes sample
#     the same points (nearest, scale 2), for example in a detector that upsamples by 2.
#   Hardmax (11 -> 13): a single 1 per flattened row becomes a 1 per position. Softmax, which
#     changed in the same way, is converted correctly.
#   GroupNormalization (18 -> 21): scale and bias had one value per group and now need one per
#     channel. They are left unchanged, and ONNX Runtime refuses the model.
# Output:
#   Resize linear, 10 -> 13: largest difference 0.75
#   Resize nearest, 10 -> 13: largest difference 0.00
#   Hardmax, 11 -> 13: 1 one -> 4 ones
#   GroupNormalization, 18 -> 21: scale of shape [2] for 4 channels; refused
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxruntime as ort
from onnx.parser import parse_model
from onnx.version_converter import convert_version


def run(model, x):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {"x": x})[0]


def before_and_after(text, x, target):
    model = parse_model(text)
    onnx.checker.check_model(model, full_check=True)
    return run(model, x), run(convert_version(model, target), x)


resize = """<ir_version: 8, opset_import: ["": 10]>
g (float[1,1,2,2] x) => (float[1,1,4,4] y) <float[4] s = {1,1,2,2}>
{ y = Resize<mode="MODE">(x, s) }"""
x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
for mode, expected in (("linear", 0.75), ("nearest", 0)):
    old, new = before_and_after(resize.replace("MODE", mode), x, 13)
    print(f"Resize {mode}, 10 -> 13: largest difference {abs(old - new).max():.2f}")
    assert abs(old - new).max() == expected

hardmax = """<ir_version: 8, opset_import: ["": 11]>
g (float[1,3,4] x) => (float[1,3,4] y) { y = Hardmax<axis=1>(x) }"""
old, new = before_and_after(hardmax, np.random.rand(1, 3, 4).astype(np.float32), 13)
print(f"Hardmax, 11 -> 13: {old.sum():.0f} one -> {new.sum():.0f} ones")
assert old.sum() == 1 and new.sum() > 1

norm = parse_model("""<ir_version: 8, opset_import: ["": 18]>
g (float[1,4,5] x) => (float[1,4,5] y) <float[2] s = {1,2}, float[2] b = {0,0}>
{ y = GroupNormalization<num_groups=2>(x, s, b) }""")
x = np.random.rand(1, 4, 5).astype(np.float32)
run(norm, x)
newer = convert_version(norm, 21)
scale = list(newer.graph.initializer[0].dims)
try:
    run(newer, x)
except Exception:
    print(f"GroupNormalization, 18 -> 21: scale of shape {scale} for 4 channels; refused")
else:
    raise SystemExit("GroupNormalization is converted")
EOF
