#!/bin/sh
# onnxoptimizer merges zero padding into MaxPool, which pads with minus infinity
#
# Versions: onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Expected: the default passes do not change what a model computes.
# Actual: fuse_pad_into_pool, a default pass, turns Pad (zeros) -> MaxPool into a MaxPool with pads.
#   But MaxPool's own padding never wins, whereas the zeros did: where all values at a border are
#   negative, the maximum was 0 and is now negative. Pad -> AveragePool with its own pads changes
#   too.
# Affects: models from Keras, which pads ResNet's first pooling like this. In ResNet a ReLU before
#   it hides the fault, so a test on ResNet passes; a network with another activation fails.
# Output:
#   on inputs below 0: Pad MaxPool -> MaxPool, largest output 0.00 -> -1.00
#   on inputs above 0: no difference
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime as ort
from onnx.parser import parse_model

model = parse_model("""<ir_version: 8, opset_import: ["": 17]>
g (float[1,1,6,6] x) => (float[1,1,3,3] y) <int64[8] p = {0,0,1,1,0,0,1,1}>
{ a = Pad(x, p)
  y = MaxPool<kernel_shape=[3,3], strides=[2,2]>(a) }""")
onnx.checker.check_model(model, full_check=True)
optimized = onnxoptimizer.optimize(model)
before, after = (" ".join(n.op_type for n in m.graph.node) for m in (model, optimized))


def run(m, x):
    return ort.InferenceSession(m.SerializeToString()).run(None, {"x": x})[0]


x = np.random.default_rng(0).uniform(1, 2, (1, 1, 6, 6)).astype(np.float32)
x[0, 0, 0, 0] = 1
old, new = run(model, -x), run(optimized, -x)
print(f"on inputs below 0: {before} -> {after}, largest output {old.max():.2f} -> {new.max():.2f}")
assert (before, after) == ("Pad MaxPool", "MaxPool")
assert old.max() == 0 and new.max() == -1
assert np.array_equal(run(model, x), run(optimized, x))
print("on inputs above 0: no difference")
EOF
