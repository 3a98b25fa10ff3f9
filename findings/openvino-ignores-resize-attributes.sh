#!/bin/sh
# OpenVINO ignores newer attributes of Resize
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: antialias, keep_aspect_ratio_policy (opset 18) and exclude_outside (opset 11) are
#   supported or refused, as OpenVINO refuses coordinate_transformation_mode="tf_crop_and_resize".
# Actual: they are silently ignored. Without antialias and exclude_outside, the values are wrong;
#   without keep_aspect_ratio_policy, the shape is. ONNX Runtime's OpenVINO provider
#   (onnxruntime-ep-openvino 1.8.1) returns the same wrong values, and refuses the wrong shape.
# Affects: models that contain their preprocessing, such as PyTorch's interpolate(antialias=True).
# Output:
#   antialias=1: differs
#   exclude_outside=1: differs
#   keep_aspect_ratio_policy="not_larger": (1, 1, 12, 12) in ONNX Runtime, (1, 1, 12, 20) in OpenVINO
#   none of them: same
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

x = np.random.default_rng(0).standard_normal((1, 1, 8, 8)).astype(np.float32)


def both(size, output, attributes):
    model = parse_model(f"""<ir_version: 9, opset_import: ["": 19]>
    g (float[1,1,8,8] x) => (float[1,1,{output}] y) <int64[2] n = {{{size}}}>
    {{ y = Resize<axes=[2,3], {attributes}>(x, , , n) }}""")
    onnx.checker.check_model(model, full_check=True)
    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    read = core.compile_model(core.read_model(model.SerializeToString()), "CPU")
    session = ort.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": x})[0], read([x])[0]


def differs(size, attributes):
    mine, theirs = both(size, size, attributes)
    assert mine.shape == theirs.shape
    return not np.allclose(mine, theirs, atol=1e-3)


for added in ("antialias=1", "exclude_outside=1"):
    wrong = differs("4,4", f'mode="cubic", {added}')
    print(f"{added}: {'differs' if wrong else 'same'}")
    assert wrong
policy = 'keep_aspect_ratio_policy="not_larger"'
mine, theirs = both("12,20", "12,12", f'mode="linear", {policy}')
print(f"{policy}: {mine.shape} in ONNX Runtime, {theirs.shape} in OpenVINO")
assert mine.shape == (1, 1, 12, 12) and theirs.shape == (1, 1, 12, 20)
assert not differs("4,4", 'mode="cubic"')
print("none of them: same")
EOF
