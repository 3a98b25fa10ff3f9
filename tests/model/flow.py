"""Control flow against ONNX Runtime: shapes of outputs and, from a profile, runs per node."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import onnx
import onnxruntime as ort

from sepcost.network import Network
from tests.model.build import model, network


def witnessed(
    folder: Any, source: str, feeds: dict[str, Any], opset: int = 17, ir: int = 8
) -> Network:
    """Describe a model after checking it against a run.

    Outputs have the shapes of the run, and each node, by its name, ran as often as its
    layers say. Nodes are named by the text's ``[name]``.
    """
    proto = model(source, opset=opset, ir=ir)
    found = network(proto)
    outputs, runs = _profiled(proto, feeds, str(folder / "profile"))
    shapes = [found.values[name].shape for name in found.outputs]
    assert shapes == [tuple(output.shape) for output in outputs]
    expected: Counter[str] = Counter()
    for layer in found.layers:
        if layer.name:
            assert layer.trips is not None
            expected[layer.name] += layer.trips
    assert +expected == runs
    return found


def _profiled(
    proto: onnx.ModelProto, feeds: dict[str, Any], prefix: str
) -> tuple[list[Any], Counter[str]]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_profiling = True
    options.profile_file_prefix = prefix
    session = ort.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    outputs = list(session.run(None, feeds))
    with open(session.end_profiling(), encoding="utf-8") as file:
        events = json.load(file)
    names = {node.name for node in _nodes(proto.graph)} - {""}
    kernels = (e["name"].removesuffix("_kernel_time") for e in events if e.get("cat") == "Node")
    return outputs, Counter(name for name in kernels if name in names)


def _nodes(graph: onnx.GraphProto) -> Any:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)
