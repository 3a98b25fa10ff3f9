"""Running a model for what is inside it: any of its values, batch by batch.

The only road from here to ONNX Runtime is ``sepcost.latency.runtime``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import onnx

from sepcost.errors import SepcostError
from sepcost.latency.jobs import FOLDER_KEY, Runtime
from sepcost.model.graphs import Name, reads
from sepcost.model.links import serialised
from sepcost.model.load import Loaded
from sepcost.model.tensors import folder
from sepcost.separable.data.samples import Feeds
from sepcost.separable.runs.output_loss import Run

if TYPE_CHECKING:
    import onnxruntime as ort


def runner(model: Loaded, settings: Runtime, wanted: Sequence[str] = ()) -> Run:
    """Make a session of a model; calling it with inputs gives its outputs, or ``wanted`` values.

    Parameters
    ----------
    model
        It need not have been saved; weights are read from where they lie.
    settings
        How the session is made.
    wanted
        Values of the main graph. Nodes that they do not need are left out.

    Raises
    ------
    ModelError
        Where ONNX Runtime cannot load the model; calls raise it where it cannot run.
    """
    from sepcost.latency import runtime  # noqa: PLC0415 - the import of ONNX Runtime

    proto = exposing(model.proto, wanted) if wanted else model.proto
    data, home = serialised(proto, folder(model))

    def locate(options: ort.SessionOptions) -> None:
        options.add_session_config_entry(FOLDER_KEY, str(home))

    def guarded(action: Callable[[], Any], doing: str) -> Any:
        try:
            return action()
        except SepcostError:
            raise
        except Exception as error:
            raise runtime.explain(error, doing, model.source) from error

    session = guarded(lambda: runtime.session(data, settings, locate), "loading")
    inputs = {one.name for one in session.get_inputs()}  # ``exposing`` may have cut some away

    def run(feeds: Feeds) -> Sequence[Any]:
        needed = {name: array for name, array in feeds.items() if name in inputs or not wanted}
        outputs: Sequence[Any] = guarded(
            lambda: session.run(list(wanted) or None, needed), "running"
        )
        return outputs

    return run


def exposing(proto: onnx.ModelProto, wanted: Sequence[str]) -> onnx.ModelProto:
    """The part of a model that computes ``wanted``, which become its outputs."""
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    graph = result.graph
    needed: set[Name] = set(wanted)
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(reads(node))
    copies = []
    for node in reversed(kept):
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copies.append(copy)
    del graph.node[:], graph.output[:], graph.value_info[:]
    graph.node.extend(copies)
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(wanted))
    for field in (graph.initializer, graph.input):  # of old models one names the other
        read = [one for one in field if one.name in needed]
        del field[:]
        field.extend(read)
    return result
