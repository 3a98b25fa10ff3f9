"""The peers of ``analyze``: their command lines and their counts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

OURS = "sepcost"
TIMEOUT_S = 300

PROFILE = "import sys, onnx_tool; onnx_tool.model_profile(sys.argv[1])"

#: Name -> command in the peers' environment; ``{}`` is the model. A peer without MACs shows how
#: long reading and describing a file takes.
COMMANDS: Mapping[str, Sequence[str]] = {
    "onnx-tool": ("python", "-c", PROFILE, "{}"),
    "onnx-opcounter": ("onnx_opcounter", "--calculate-macs", "{}"),
    "onnxsim": ("python", "-m", "onnxsim.shape_cost", "{}"),
    "onnxslim": ("onnxslim", "{}", "--inspect"),
}
NO_MACS = frozenset({"onnxslim"})

#: Operators that every tool counts as MACs; tools differ in what else they count.
PRODUCTS = (
    "Conv", "ConvInteger", "QLinearConv", "ConvTranspose",
    "Gemm", "MatMul", "MatMulInteger", "QLinearMatMul",
)  # fmt: skip

#: onnx-tool counts per node, and one MAC per output element for a bias.
ONNX_TOOL = f"""
import json, sys, onnx_tool
graph = onnx_tool.Model(sys.argv[1], {{"verbose": False}}).graph
graph.graph_reorder_nodes()
graph.shape_infer(None)
graph.profile()
rows = [node for node in graph.nodemap.values() if node.op_type in {PRODUCTS!r}]
biased = [n for n in rows if len(n.input) > 2 and n.op_type.startswith(("Conv", "Gemm"))]
shapes = [graph.tensormap[node.output[0]].get_shape() for node in biased]
biases = 0
for shape in shapes:
    elements = 1
    for side in shape:
        elements *= side
    biases += elements
print(json.dumps({{"macs": int(sum(n.macs[0] for n in rows)), "biases": int(biases)}}))
"""
#: onnx-opcounter gives only a total; ``rest`` is its count of all other operators.
ONNX_OPCOUNTER = f"""
import json, sys, onnx, onnx_opcounter
from math import prod
model = onnx.load(sys.argv[1])
macs = int(onnx_opcounter.calculate_macs(model))
graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
shapes = {{w.name: list(w.dims) for w in graph.initializer}}
for value in (*graph.input, *graph.value_info, *graph.output):
    shapes[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
free = ("Constant Reshape Slice Shape Gather ScatterND Tile Transpose Sign Squeeze Unsqueeze "
        "Split Cast").split()
def rest(node):
    written = prod(shapes.get(node.output[0], [0]))
    mode = [a.s for a in node.attribute if a.name == "mode"]
    factors = {{"BatchNormalization": 2 if len(node.input) == 5 else 1,
               "Upsample": 11 * (mode == [b"linear"]), "Resize": 11 * (mode == [b"linear"])}}
    if node.op_type in ("Relu", "Add"):
        return prod(shapes.get(node.input[0], [0]))
    return 0 if node.op_type in free else written * factors.get(node.op_type, 1)
others = sum(rest(node) for node in graph.node if node.op_type not in {PRODUCTS!r})
print(json.dumps({{"macs": macs, "rest": others}}))
"""
#: onnxsim gives bounds on products; bounds that differ are not a count.
ONNXSIM = """
import json, sys
from onnxsim import shape_cost
macs = shape_cost.bounds(sys.argv[1], {}).macs
print(json.dumps({"macs": macs.lo if macs.lo == macs.hi else None}))
"""
COUNTING: Mapping[str, str] = {
    "onnx-tool": ONNX_TOOL,
    "onnx-opcounter": ONNX_OPCOUNTER,
    "onnxsim": ONNXSIM,
}

#: A tool's count of a model: ``macs``, which include ``biases`` and ``rest``; or ``failed``.
Count = dict[str, Any]
Counter = Callable[[Path], Count]


def command(home: Path, peer: str, path: Path) -> list[str]:
    """Return the command line that a user would type."""
    program, *rest = COMMANDS[peer]
    return [str(home / program), *(part.replace("{}", str(path)) for part in rest)]


def count(home: Path, peer: str, path: Path, folder: Path) -> Count:
    """Let a peer count the MACs of a model's products, in its own process."""
    try:
        done = subprocess.run(
            [str(home / "python"), "-c", COUNTING[peer], str(path)],
            cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer in {TIMEOUT_S} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        errors = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"failed": errors[-1].replace(f"{path.parent}/", "")[:120]}
    counted: Count = json.loads(lines[-1])
    return counted
