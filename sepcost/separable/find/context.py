"""What follows a convolution in the graph and so scales or absorbs its errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sepcost.model.graphs import body_prefix, subgraphs
from sepcost.model.load import Loaded
from sepcost.model.tensors import Array, content, folder
from sepcost.model.values import text
from sepcost.network import Layer, Network
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.find.sites import Site, sites

#: Operators with subgraphs.
HOLDERS = frozenset({"If", "Loop", "Scan"})

_EPSILON = 1e-5  # the default of BatchNormalization


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A model with the lookups that questions about its convolutions need."""

    loaded: Loaded
    observed: Loaded  # the same without the Ifs whose branch is known; all other fields refer to it
    network: Network
    places: Mapping[str, Site]
    readers: Mapping[str, Sequence[onnx.NodeProto]]
    order: Mapping[str, int]  # position of the node that writes each value of the main graph
    holders: Mapping[str, Site]  # nodes of the main graph with subgraphs, by paths of these

    def in_main_graph(self, candidate: Candidate) -> bool:
        """Whether its activations can be observed; in subgraphs and functions they cannot."""
        place = self.places.get(candidate.id)
        return place is not None and place.frame.prefix == ""

    def holder(self, id_: str) -> Site | None:
        """The node of the main graph that a layer is in; None for layers of the main graph."""
        frame = self.places[id_].frame
        within = ""
        while frame.prefix:
            within, outer = frame.prefix, frame.parent or frame.caller
            if outer is None:
                break
            frame = outer
        return self.holders.get(within)

    def opaque(self) -> list[Layer]:
        """Layers of the main graph, where all that one node holds is one layer without a rule."""
        made: list[Layer] = []
        for node, alike in groupby(self.network.layers, self._holding):
            layers = list(alike)
            if node is None:
                made += layers
                continue
            reads = tuple(name for layer in layers for name in layer.reads)
            writes = tuple(name for layer in layers for name in layer.writes)
            name = holder_name(node)
            made.append(replace(layers[0], op_type=name, domain="", reads=reads, writes=writes))
        return made

    def _holding(self, layer: Layer) -> onnx.NodeProto | None:
        """The node with subgraphs, or the call of a function, that a layer is or is in."""
        own, holder = self.places[layer.id].node, self.holder(layer.id)
        return holder.node if holder else own if own.op_type in HOLDERS else None

    def scale(self, candidate: Candidate) -> Array | None:
        """Scale of each output channel in a BatchNormalization that follows directly."""
        last = len(candidate.layer.outputs[0]) - 1
        if not self.in_main_graph(candidate) or candidate.axes[1] not in {1, 1 - last - 1}:
            return None
        readers = self.readers.get(_output(candidate.layer), ())
        if len(readers) != 1 or readers[0].op_type != "BatchNormalization":
            return None
        node = readers[0]
        gamma, variance = (self.stored(node.input[k]) for k in (1, 4))
        if gamma is None or variance is None:
            return None
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), _EPSILON)
        return np.asarray(
            np.abs(gamma.astype(np.float64)) / np.sqrt(np.maximum(variance, 0) + epsilon)
        )

    def stored(self, name: str) -> NDArray[Any] | None:
        """Content of the main graph's initializer of this name; None if there is none."""
        stored = (tensor for tensor in self.observed.proto.graph.initializer if tensor.name == name)
        tensor = next(stored, None)
        return None if tensor is None else content(tensor, folder(self.observed))

    def shortcut(self, candidate: Candidate) -> str | None:
        """The value that an Add right after the layer adds to its output, if computed before it.

        Earlier conversions put an error into that value, which this layer can compensate.
        """
        output = _output(candidate.layer)
        readers = self.readers.get(output, ())
        if len(readers) != 1 or readers[0].op_type != "Add":
            return None
        other = next((name for name in readers[0].input if name != output), None)
        known = self.network.values.get(other or "")
        if other is None or known is None or known.shape != candidate.layer.outputs[0]:
            return None
        earlier = self.order.get(other, -1) < self.order.get(output, -1)
        return other if earlier and other in self.order else None


def context(loaded: Loaded, network: Network, observed: Loaded | None = None) -> Context:
    """Index a model.

    Parameters
    ----------
    loaded
        The model.
    network
        The description of ``observed``.
    observed
        The model as it is observed; by default ``loaded``.
    """
    original, loaded = loaded, observed or loaded
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in loaded.proto.graph.node:
        for name in node.input:
            readers[name].append(node)
    for value in loaded.proto.graph.output:
        readers[value.name].append(onnx.NodeProto(op_type="output"))
    order = {
        name: number for number, node in enumerate(loaded.proto.graph.node) for name in node.output
    }
    places = dict(sites(loaded.proto))
    holders = {
        prefix: site
        for id_, site in places.items()
        if not site.frame.prefix
        for prefix in (f"{id_}/", *(body_prefix(id_, place) for place, _ in subgraphs(site.node)))
    }
    return Context(original, loaded, network, places, readers, order, holders)


def holder_name(node: onnx.NodeProto) -> str:
    """The operator or function; never the name of an operator with a rule."""
    if node.op_type in HOLDERS and not node.domain:
        return text(node.op_type)
    return f"{text(node.domain)}.{text(node.op_type)}"


def _output(layer: Layer) -> str:
    return layer.writes[0]
