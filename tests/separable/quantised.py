"""Networks with quantised convolutions, and the kernels that ONNX Runtime runs for them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from tests.separable.build import Array, noise

WIDTH = 16


def network(count: int = 2, dtype: str = "uint8", **attributes: Any) -> onnx.ModelProto:
    """x [N, 16, 12, 12] -> convolutions c0, c1, ... with biases, all of them in integers."""
    group = attributes.get("group", 1)
    tensors: dict[str, Array] = {"zero": np.array(128 if dtype == "uint8" else 0, dtype)}
    tensors["step"] = np.array(0.03, np.float32)
    nodes = [helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["q"])]
    for number in range(count):
        kernel = noise(WIDTH, WIDTH // group, 3, 3, seed=number) / np.sqrt(9 * WIDTH // group)
        scale = np.abs(kernel).max((1, 2, 3)) / 127
        tensors[f"w{number}"] = np.rint(kernel / scale[:, None, None, None]).astype(np.int8)
        tensors[f"s{number}"] = scale.astype(np.float32)
        tensors[f"b{number}"] = np.rint(noise(WIDTH, seed=9) / (0.03 * scale)).astype(np.int32)
        tensors[f"t{number}"] = (0.03 * scale).astype(np.float32)
        wide = [f"{name}{number}" for name in ("x", "k", "h", "c")]
        nodes += [
            helper.make_node("DequantizeLinear", [f"q{number or ''}", "step", "zero"], [wide[0]]),
            helper.make_node("DequantizeLinear", [f"w{number}", f"s{number}"], [wide[1]], axis=0),
            helper.make_node("DequantizeLinear", [f"b{number}", f"t{number}"], [wide[2]], axis=0),
            helper.make_node("Conv", wide[:3], [wide[3]], pads=[1] * 4, **attributes),
            helper.make_node("QuantizeLinear", [wide[3], "step", "zero"], [f"q{number + 1}"]),
        ]
    nodes.append(helper.make_node("DequantizeLinear", [f"q{count}", "step", "zero"], ["y"]))
    return model(nodes, tensors)


def model(
    nodes: list[onnx.NodeProto], tensors: dict[str, Array], opset: int = 21
) -> onnx.ModelProto:
    """A model of x [N, 16, 12, 12] to y [N, 16, 12, 12]."""
    shape: list[int | str | None] = ["N", WIDTH, 12, 12]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(a, name) for name, a in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def kernels(proto: onnx.ModelProto, feeds: dict[str, Array], folder: Path) -> Counter[str]:
    """How often each operator ran, after ONNX Runtime's own optimisation."""
    options = ort.SessionOptions()
    options.enable_profiling = True
    options.intra_op_num_threads = 1
    options.profile_file_prefix = str(folder / "profile")
    session = ort.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    session.run(None, feeds)
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    ran = (e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time"))
    return Counter(event["args"]["op_name"] for event in ran)
