"""ONNX Runtime as a witness of shapes: the inputs and outputs of each node during a run.

Nodes are named by number and the model runs without optimisation, so every kernel in
ONNX Runtime's profile is one node, in subgraphs too. Local functions are inlined and not seen.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from sepcost.cost.analysis import Analysis
from sepcost.cost.operators import OPERATORS
from sepcost.cost.results import Conventions, CountStatus
from sepcost.cost.tally import tally
from sepcost.model.graphs import attributes, body_prefix, node_id
from sepcost.network import ABSENT, Layer, Network, Shape

TOKEN = "node:"
KERNEL = "_kernel_time"

Attributes = Mapping[str, int]  # attributes that a count needs


class Run(NamedTuple):
    """One run of one kernel: the id of its node, and the shapes of its tensors."""

    id: str
    node: onnx.NodeProto
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


def profile(model: onnx.ModelProto, feeds: dict[str, Any], folder: Path) -> list[Run]:
    """Run a model once and return its kernels; skip the test if ONNX Runtime cannot load it."""
    nodes = list(_renamed(model.graph.node, ""))
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # a weight that a kernel packs is missing in the profile
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    try:
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        pytest.skip(f"ONNX Runtime cannot load it: {reason}")
    session.run(None, feeds)
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return [_run(event, nodes) for event in events if _is_ours(event)]


def _renamed(nodes: Any, prefix: str, count: Any = None) -> Iterator[tuple[str, onnx.NodeProto]]:
    count = [0] if count is None else count
    for node in nodes:
        id_ = node_id(prefix, node)
        node.name = f"{TOKEN}{count[0]}"
        count[0] += 1
        yield id_, node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                inner = body_prefix(id_, attribute.name)
                yield from _renamed(attribute.g.node, inner, count)


def _is_ours(event: dict[str, Any]) -> bool:
    """Whether the kernel belongs to a node of the model; ONNX Runtime adds duplicates."""
    name = event.get("name", "")
    number = name.removeprefix(TOKEN).removesuffix(KERNEL)
    return event.get("cat") == "Node" and name == f"{TOKEN}{number}{KERNEL}" and number.isdecimal()


def _run(event: dict[str, Any], nodes: list[tuple[str, onnx.NodeProto]]) -> Run:
    id_, node = nodes[int(event["name"][len(TOKEN) : -len(KERNEL)])]
    arguments = event["args"]
    inputs, outputs = (
        tuple(tuple(shape) for tensor in arguments[key] for shape in tensor.values())
        for key in ("input_type_shape", "output_type_shape")
    )
    return Run(id_, node, inputs, outputs)


def random_feeds(network: Network) -> dict[str, NDArray[Any]]:
    """Floats between 0 and 1; ones for other types, as valid indices and true conditions."""
    random = np.random.default_rng(0)
    feeds = {}
    for value in network.inputs:
        if value.shape is None or not value.dtype or value.dtype == "string":
            pytest.skip(f"input {value.name} has the type {value.dtype or 'unknown'}")
        dtype = np.dtype(value.dtype)
        content = random.random(value.shape) if dtype.kind == "f" else np.ones(value.shape)
        feeds[value.name] = content.astype(dtype)
    return feeds


def stored_feeds(model: onnx.ModelProto, folder: Path) -> dict[str, Any]:
    """The inputs that ONNX stores with a model of its own tests."""
    feeds: dict[str, Any] = {}
    held = {tensor.name for tensor in model.graph.initializer}
    fed = [value for value in model.graph.input if value.name not in held]
    for number, value in enumerate(fed):
        content = (folder / f"input_{number}.pb").read_bytes()
        if value.type.HasField("sequence_type"):
            sequence = onnx.SequenceProto.FromString(content)
            feeds[value.name] = numpy_helper.to_list(sequence)
        else:
            feeds[value.name] = numpy_helper.to_array(onnx.TensorProto.FromString(content))
    return feeds


def agree(analysis: Analysis, runs: Iterable[Run]) -> int:
    """Compare MACs and known shapes of every row with the run; return how many rows have MACs."""
    seen: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        seen[run.id].append(run)
    dear = 0
    for row in analysis.rows:
        executed = seen.get(row.layer.id, [])
        for run in executed:
            _assert_shapes(row.layer, run)
        if executed and row.status is CountStatus.COUNTED:
            assert row.macs == sum(_again(row.layer, run) or 0 for run in executed), row.layer.id
            anew = [macs for run in executed if (macs := multiply_adds(run)) is not None]
            assert not anew or row.macs == sum(anew), row.layer.id
            dear += bool(anew)
    return dear


def _assert_shapes(layer: Layer, run: Run) -> None:
    for names, shapes, real in (
        (layer.reads, layer.inputs, run.inputs),
        (layer.writes, layer.outputs, run.outputs),
    ):
        there = [shape for name, shape in zip(names, shapes, strict=True) if name]
        if len(there) == len(real):  # the profile lacks sequences and strings
            known = [(a, b) for a, b in zip(there, real, strict=True) if a != ABSENT]
            assert all(a == b for a, b in known), (layer.id, known)


def _again(layer: Layer, run: Run) -> int | None:
    """Apply the package's own formula to the shapes of the run."""
    inputs, outputs = iter(run.inputs), iter(run.outputs)
    real = replace(
        layer,
        inputs=tuple(next(inputs) if name else ABSENT for name in layer.reads),
        outputs=tuple(next(outputs, ABSENT) if name else ABSENT for name in layer.writes),
        trips=1,
    )
    return tally(real, OPERATORS, Conventions()).macs


def multiply_adds(run: Run) -> int | None:
    """Count a run independently, from other operands than the package's formulas use."""
    counter = COUNTERS.get(run.node.op_type)
    return None if counter is None else counter(run, attributes(run.node))


def _convolution(run: Run, of: Attributes) -> int:
    """Every output element uses the kernel once over the channels of its group."""
    data, weight = run.inputs[0], run.inputs[3 if run.node.op_type == "QLinearConv" else 1]
    channels = data[1] // of.get("group", 1)
    return _size(run.outputs[0]) * channels * _size(weight[2:])


def _transposed(run: Run, of: Attributes) -> int:
    """Every input element uses the kernel once per output channel of its group."""
    data, weight = run.inputs[:2]
    return _size(data) * run.outputs[0][1] // of.get("group", 1) * _size(weight[2:])


def _product(run: Run, _: Attributes) -> int:
    """K, the rows of B, per output element."""
    b = run.inputs[3 if run.node.op_type == "QLinearMatMul" else 1]
    return _size(run.outputs[0]) * (b[-2] if len(b) > 1 else b[0])


def _gemm(run: Run, of: Attributes) -> int:
    """M·N·K."""
    m, n = run.outputs[0]
    return m * n * run.inputs[1][1 if of.get("transB") else 0]


def _recurrent(run: Run, of: Attributes) -> int:
    """Every gate of every hidden unit reads the input of the step and the previous state."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[run.node.op_type]
    steps, batch, features = run.inputs[0]
    directions, hidden = run.inputs[1][0], of["hidden_size"]
    return steps * batch * directions * gates * hidden * (features + hidden)


COUNTERS = {
    "Conv": _convolution, "ConvInteger": _convolution, "QLinearConv": _convolution,
    "ConvTranspose": _transposed, "MatMul": _product, "MatMulInteger": _product,
    "QLinearMatMul": _product, "Gemm": _gemm,
    "LSTM": _recurrent, "GRU": _recurrent, "RNN": _recurrent,
}  # fmt: skip


def _size(shape: Shape) -> int:
    return int(np.prod(shape, dtype=object)) if shape else 1
