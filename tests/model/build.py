"""Models in a line or two, described without a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime as ort
from onnx import helper

from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.network import Layer, Network

HEADER = '<ir_version: {ir}, opset_import: ["" : {opset}, "com.microsoft" : 1, "local" : 1]>\n'


def model(body: str, *, opset: int = 17, ir: int = 9) -> onnx.ModelProto:
    """Parse ONNX text; functions may follow the graph.

    What is declared in angle brackets without a value, and written by no node, is a weight whose
    content was stripped.
    """
    proto = onnx.parser.parse_model(HEADER.format(ir=ir, opset=opset) + body)
    written = {name for node in proto.graph.node for name in node.output}
    for value in [v for v in proto.graph.value_info if v.name not in written]:
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        kind = value.type.tensor_type.elem_type
        proto.graph.initializer.add(name=value.name, data_type=kind, dims=dims)
        proto.graph.value_info.remove(value)
    return proto


def loaded(source: str | onnx.ModelProto, **header: int) -> Loaded:
    """Stand for what ``load`` returns."""
    proto = model(source, **header) if isinstance(source, str) else source
    return Loaded("m", "m.onnx", proto)


def network(source: str | onnx.ModelProto, opset: int = 17, ir: int = 9, **options: Any) -> Network:
    """Describe ONNX text or a model."""
    return describe(loaded(source, opset=opset, ir=ir), **options)


def layers(source: str | onnx.ModelProto, **options: Any) -> dict[str, Layer]:
    """Describe and return the layers by id, after checking that each has its own."""
    found = network(source, **options).layers
    assert len({layer.id for layer in found}) == len(found)
    return {layer.id: layer for layer in found}


def params(found: Network) -> dict[str, tuple[int, ...] | None]:
    """Return the shapes of the parameters by name."""
    return {name: value.shape for name, value in found.parameters.items()}


def session(proto: onnx.ModelProto) -> ort.InferenceSession:
    """Open a model in ONNX Runtime, unoptimised and silent."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run(proto: onnx.ModelProto, feeds: dict[str, Any]) -> list[Any]:
    """Run a model in ONNX Runtime."""
    return list(session(proto).run(None, feeds))


def one_node(
    op_type: str,
    shapes: Sequence[tuple[tuple[int, ...], Any] | None],
    outputs: int = 1,
    *,
    domain: str = "com.microsoft",
    opset: int = 17,
    **attributes: Any,
) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Build a model of one node over inputs of these shapes and types, and ones to feed it."""
    names = [f"x{k}" if given else "" for k, given in enumerate(shapes)]
    results = [f"y{k}" for k in range(outputs)]
    node = helper.make_node(op_type, names, results, domain=domain, **attributes)
    feeds = {
        name: np.ones(given[0], given[1])
        for name, given in zip(names, shapes, strict=True)
        if given is not None
    }
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for name, a in feeds.items()
    ]
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=r) for r in results])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9), feeds
