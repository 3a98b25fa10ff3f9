"""ONNX Runtime as a witness: on ones, the outputs sum to the MACs.

Every product is 1 * 1, so the sum of all outputs is the number of products that were summed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper

from sepcost.network import Layer, Shape


def run(
    op_type: str,
    shapes: Sequence[Shape | None],
    dtypes: Sequence[Any] = (),
    *,
    domain: str = "",
    outputs: int = 1,
    opset: int = 23,
    **attributes: Any,
) -> tuple[Layer, list[NDArray[Any]]]:
    """Run one node on ones (scalars too); return it as a layer with its outputs.

    A shape of None leaves the input out.
    """
    kinds = [np.dtype(dtypes[i] if i < len(dtypes) else np.float32) for i in range(len(shapes))]
    names = [f"x{i}" if shape is not None else "" for i, shape in enumerate(shapes)]
    results = [f"y{i}" for i in range(outputs)]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind), shape)
        for name, kind, shape in zip(names, kinds, shapes, strict=True)
        if name
    ]
    node = helper.make_node(op_type, names, results, domain=domain, **attributes)
    graph = helper.make_graph(
        [node], "g", inputs, [onnx.ValueInfoProto(name=name) for name in results]
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {
        name: np.ones(shape, kind)
        for name, kind, shape in zip(names, kinds, shapes, strict=True)
        if shape is not None
    }
    found = session.run(None, feeds)
    layer = Layer(
        id="y0",
        name=op_type,
        op_type=op_type,
        domain=domain,
        scope="",
        inputs=tuple((0,) if shape is None else tuple(shape) for shape in shapes),
        outputs=tuple(result.shape for result in found),
        attributes={k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()},
        weights=frozenset(range(1, len(shapes))),
    )
    return layer, found


def ones_sum(*args: Any, **kwargs: Any) -> tuple[Layer, int]:
    """Return the layer and the sum of its first output."""
    layer, found = run(*args, **kwargs)
    return layer, int(np.sum(found[0], dtype=np.float64))
