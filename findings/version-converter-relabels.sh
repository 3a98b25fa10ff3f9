#!/bin/sh
# onnx.version_converter relabels operators whose meaning changed
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Guess: convert_version writes a model of the newer opset that computes the same, or refuses.
# Instead, without a word:
#   Resize (10 -> 13), mode linear: opset 10 samples at x / scale, which opset 11 calls "asymmetric".
#     The converter leaves coordinate_transformation_mode out, and its default is "half_pixel". The
#     same for Upsample (9 -> 13). Where both sample the same points (nearest, twice the size), all
#     is well, so a test on a detector that upsamples by 2 shows nothing.
#   Hardmax (11 -> 13): one 1 per flattened row becomes one 1 per position. Softmax, which changed
#     in the same way, is rewritten rightly.
#   GroupNormalization (18 -> 21): scale and bias had one value per group and need one per channel.
#     They are left as they are, and ONNX Runtime refuses the model.
# Seen:
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
