"""Run a model once to observe what inference cannot know: data-dependent shapes and trip counts.

The model runs in a child process, without optimisation and with renamed nodes, so that every kernel
in the profile is one node of the model. External weights are read from the model's own files. Nodes
in local functions are not observed, as ONNX Runtime inlines them.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sepcost.errors import SepcostError
from sepcost.latency import child
from sepcost.latency.jobs import FOLDER_KEY, Job, ModelFile, Runtime
from sepcost.model.graphs import body_prefix, node_id, subgraphs
from sepcost.model.links import serialised
from sepcost.model.tensors import whole
from sepcost.model.values import tensor_type
from sepcost.model.walk_state import Observation
from sepcost.network import Network

if TYPE_CHECKING:
    import onnx
    from onnx import TypeProto

    from sepcost.model.load import Loaded

#: A run that is silent for longer counts as hanging.
TIMEOUT_S = 120.0

Seen = tuple[str, Sequence[int]]  # an output: ONNX Runtime's element type, and the shape
Kernel = tuple[int, list[Seen]]


class _Node(NamedTuple):
    """A node's id, and which of its outputs are present."""

    id: str
    present: list[bool]


_TOKEN = "sepcost:"
_KERNEL = re.compile(rf"{_TOKEN}(\d+)_kernel_time")


def observe(
    loaded: Loaded, network: Network, *, inputs: Path | None = None, timeout_s: float = TIMEOUT_S
) -> dict[str, Observation]:
    """Run the model once in a child process and return the outputs of each node.

    Parameters
    ----------
    loaded
        The model, with all its weights available.
    network
        Its description, for the inputs.
    inputs
        An ``.npz`` with one array per input; default: seeded random numbers.

    Raises
    ------
    ModelError
        ONNX Runtime cannot load or run the model.
    MeasurementError
        The run crashes or does not end within ``timeout_s`` seconds.
    """
    loaded = whole(loaded)
    with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
        proto, numbered = _renamed(loaded.proto)
        data, home = serialised(proto, loaded.path.parent if loaded.path else Path(folder))
        path = Path(folder) / "observed.onnx"
        path.write_bytes(data)
        job = Job(
            task="observe",
            models=[ModelFile(loaded.source, path, network.inputs)],
            runtime=Runtime(optimization_level="disable", session_options={FOLDER_KEY: str(home)}),
            inputs=inputs,
            folder=Path(folder),
        )
        try:
            result = child.execute(job, timeout_s)
        except SepcostError as error:
            raise type(error)(_with_names(str(error), numbered)) from error
    return dict(_observations(result["kernels"], numbered))


def _with_names(message: str, numbered: Sequence[_Node]) -> str:
    """Name the nodes in an error as the model does."""
    ids = {str(at): node.id for at, node in enumerate(numbered)}
    return re.sub(rf"{_TOKEN}(\d+)", lambda found: ids.get(found[1], found[0]), message)


def kernels(profile: Path) -> list[Kernel]:
    """Read a profile: each node's number, and the type and shape of its outputs."""
    found = []
    for event in json.loads(profile.read_text(encoding="utf-8")):
        kernel = _KERNEL.fullmatch(event.get("name", ""))
        if event.get("cat") == "Node" and kernel:
            shapes = event["args"].get("output_type_shape", [])
            found.append((int(kernel[1]), [next(iter(shape.items())) for shape in shapes]))
    return found


def _type(seen: Seen) -> TypeProto:
    from onnx import TensorProto

    name, shape = seen
    return tensor_type(TensorProto.DataType.Value(name.upper()), tuple(shape))


def _renamed(original: onnx.ModelProto) -> tuple[onnx.ModelProto, list[_Node]]:
    """Name each node by its index in a list; return the model and the list."""
    proto = type(original)()
    proto.CopyFrom(original)
    numbered: list[_Node] = []

    def rename(nodes: Iterable[onnx.NodeProto], prefix: str) -> None:
        for node in nodes:
            id_ = node_id(prefix, node)
            node.name = f"{_TOKEN}{len(numbered)}"
            numbered.append(_Node(id_, [bool(output) for output in node.output]))
            for place, graph in subgraphs(node):
                rename(graph.node, body_prefix(id_, place))

    rename(proto.graph.node, "")
    return proto, numbered


def _observations(
    kernels: Iterable[Kernel], numbered: list[_Node]
) -> Iterator[tuple[str, Observation]]:
    """Gather the runs of each node; a shape that varies between them is not static."""
    runs: dict[int, list[list[Seen]]] = {}
    for number, shapes in kernels:
        runs.setdefault(number, []).append(shapes)
    for number, seen in runs.items():
        node, first = numbered[number], iter(seen[0])
        alike = all(shapes == seen[0] for shapes in seen) and len(seen[0]) == sum(node.present)
        outputs = (_type(next(first)) if alike and there else None for there in node.present)
        yield node.id, Observation(tuple(outputs), len(seen))
