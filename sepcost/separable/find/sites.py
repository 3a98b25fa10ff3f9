"""The node of each layer, and the scope in which its names resolve.

The ids are those of ``sepcost.model.describe``: a function's body is walked once per call, a
subgraph at the node that contains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import onnx

from sepcost.model.graphs import (
    Body,
    FunctionKey,
    Name,
    body_prefix,
    call_attributes,
    called,
    functions,
    node_id,
    resolved,
    root_name,
    subgraphs,
)


@dataclass(slots=True)
class Frame:
    """One graph, subgraph or call of a function.

    ``body`` names the frame's graph, the same for every call of a function; ``root`` names the
    main graph ("") or the function that contains it.
    """

    graph: Body
    prefix: str = ""
    body: str = ""
    root: str = ""
    parent: Frame | None = None
    caller: Frame | None = None
    references: Mapping[str, onnx.AttributeProto] = field(default_factory=dict)
    opsets: Mapping[str, int] = field(default_factory=dict)
    arguments: dict[Name, Name] = field(default_factory=dict)  # a function's inputs -> the call's
    tensors: dict[Name, onnx.TensorProto | onnx.SparseTensorProto] = field(default_factory=dict)
    writers: dict[Name, onnx.NodeProto] = field(default_factory=dict)
    depth: int = 0

    def __post_init__(self) -> None:
        """Index the names that the graph defines."""
        if isinstance(self.graph, onnx.GraphProto):
            self.tensors.update((t.name, t) for t in self.graph.initializer)
            self.tensors.update((t.values.name, t) for t in self.graph.sparse_initializer)
        self.writers = {name: node for node in self.graph.node for name in node.output if name}

    def home(self, name: Name) -> tuple[Frame, Name] | None:
        """Resolve a name, through subgraphs and calls, to the frame that defines it."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.tensors or name in frame.writers:
                return frame, name
            if name in frame.arguments:
                name, frame = frame.arguments[name], frame.caller
            else:
                frame = frame.parent
        return None

    def resolved(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Replace references to attributes with the attributes of the function's call."""
        return resolved(node, self.references)


@dataclass(frozen=True, slots=True)
class Site:
    """One layer: a node in a frame, with its index in the frame's graph."""

    frame: Frame
    index: int
    node: onnx.NodeProto

    @property
    def place(self) -> tuple[str, int]:
        """Equal for all layers of one node."""
        return self.frame.body, self.index


def sites(model: onnx.ModelProto) -> Iterator[tuple[str, Site]]:
    """Yield every node of a model with the id of its layer; nodes of a function once per call."""
    known = functions(model)
    opsets = {o.domain: o.version for o in model.opset_import}
    stack = [Frame(model.graph, opsets=opsets)]
    while stack:
        frame = stack.pop()
        for index, node in enumerate(frame.graph.node):
            id_ = node_id(frame.prefix, node)
            yield id_, Site(frame, index, node)
            stack += _inner(frame, node, id_, known)


def _inner(
    frame: Frame,
    node: onnx.NodeProto,
    id_: str,
    known: Mapping[FunctionKey, onnx.FunctionProto],
) -> Iterator[Frame]:
    function = known.get(called(node))
    if function is not None:
        yield _called(frame, node, id_, function)
        return
    for place, graph in subgraphs(node):
        prefix = body_prefix(id_, place)
        yield Frame(
            graph,
            prefix,
            frame.body + prefix.removeprefix(frame.prefix),
            frame.root,
            parent=frame,
            references=frame.references,
            opsets=frame.opsets,
            depth=frame.depth + 1,
        )


def _called(frame: Frame, node: onnx.NodeProto, id_: str, function: onnx.FunctionProto) -> Frame:
    root = root_name(function)
    return Frame(
        function,
        f"{id_}/",
        root,
        root,
        caller=frame,
        references=call_attributes(function, frame.resolved(node)),
        opsets={o.domain: o.version for o in function.opset_import} or frame.opsets,
        arguments={f: a for f, a in zip(function.input, node.input, strict=False) if a},
        depth=frame.depth + 1,
    )
