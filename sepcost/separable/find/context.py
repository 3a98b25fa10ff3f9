"""What follows a convolution in the graph and so scales or absorbs its errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sepcost.model.load import Loaded
from sepcost.model.tensors import Array, content, folder
from sepcost.network import Layer, Network
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.find.sites import Site, sites

_EPSILON = 1e-5  # the default of BatchNormalization


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A model with the lookups that questions about its convolutions need."""

    loaded: Loaded
    network: Network
    places: Mapping[str, Site]
    readers: Mapping[str, Sequence[onnx.NodeProto]]
    order: Mapping[str, int]  # position of the node that writes each value of the main graph

    def in_main_graph(self, candidate: Candidate) -> bool:
        """Whether its activations can be observed; in subgraphs and functions they cannot."""
        return self.places[candidate.id].frame.prefix == ""

    def holder(self, candidate: Candidate) -> str:
        """The operator or function of the main graph that the candidate is in; else empty."""
        prefix, holds = self.places[candidate.id].frame.prefix, ""
        for id_, site in self.places.items():
            within = prefix.startswith((f"{id_}/", f"{id_}."))
            if within and not site.frame.prefix and len(id_) >= len(holds):
                holds = id_
        return self.places[holds].node.op_type if holds else ""

    def scale(self, candidate: Candidate) -> Array | None:
        """Scale of each output channel in a BatchNormalization that follows directly."""
        if not self.in_main_graph(candidate):
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
        stored = (tensor for tensor in self.loaded.proto.graph.initializer if tensor.name == name)
        tensor = next(stored, None)
        return None if tensor is None else content(tensor, folder(self.loaded))

    def shortcut(self, candidate: Candidate) -> str | None:
        """The value that an Add directly behind the layer adds to its output, if known before it.

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


def context(loaded: Loaded, network: Network) -> Context:
    """Index a model."""
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in loaded.proto.graph.node:
        for name in node.input:
            readers[name].append(node)
    for value in loaded.proto.graph.output:
        readers[value.name].append(onnx.NodeProto(op_type="output"))
    order = {
        name: number for number, node in enumerate(loaded.proto.graph.node) for name in node.output
    }
    return Context(loaded, network, dict(sites(loaded.proto)), readers, order)


def _output(layer: Layer) -> str:
    return layer.writes[0]
