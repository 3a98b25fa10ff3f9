#!/bin/sh
# Simplifiers merge two random draws into one
#
# Versions: onnxsim 0.8.1, onnxslim 0.1.98, onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0,
#   numpy 2.4.6
# Expected: common subexpressions are merged only if they are deterministic. ONNX Runtime's own
#   optimizer keeps two RandomNormalLike nodes apart.
# Actual: with default options, onnxsim, OnnxSlim and onnxoptimizer merge two RandomNormalLike nodes
#   with equal inputs and attributes, so two places get the same noise. Comparing outputs does not
#   reveal this, because random outputs differ anyway.
# Affects: exported samplers (diffusion, VAEs, speech synthesis) and models with noise layers.
# Output:
#   onnxruntime   two draws differ: True
#   onnxsim       two draws differ: False
#   onnxslim      two draws differ: False
#   onnxoptimizer two draws differ: False
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnxsim==0.8.1 onnxslim==0.1.98 onnxoptimizer==0.4.2 \
    onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime as ort
import onnxsim
import onnxslim
from onnx.parser import parse_model

model = parse_model("""<ir_version: 8, opset_import: ["": 17]>
g (float[3,4] x) => (float[3,4] y, float[3,4] z) {
  a = RandomNormalLike(x)
  b = RandomNormalLike(x)
  y = Add(x, a)
  z = Add(x, b)
}""")
onnx.checker.check_model(model, full_check=True)
tools = {
    "onnxruntime": lambda m: m,
    "onnxsim": lambda m: onnxsim.simplify(m)[0],
    "onnxslim": onnxslim.slim,
    "onnxoptimizer": onnxoptimizer.optimize,
}
for name, simplify in tools.items():
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    session = ort.InferenceSession(simplify(copy).SerializeToString())
    y, z = session.run(None, {"x": np.zeros((3, 4), np.float32)})
    differ = not np.array_equal(y, z)
    print(f"{name:13} two draws differ: {differ}")
    assert differ == (name == "onnxruntime")
EOF
