"""What stands behind a convolution and weighs or shares its errors."""

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

_EPSILON = 1e-5  # of BatchNormalization, where the node names none


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A model looked at from its convolutions."""

    loaded: Loaded
    network: Network
    places: Mapping[str, Site]
    readers: Mapping[str, Sequence[onnx.NodeProto]]
    order: Mapping[str, int]  # when each value of the main graph is there

    def in_main_graph(self, candidate: Candidate) -> bool:
        """Whether its activations can be looked at: in subgraphs and functions they cannot."""
        return self.places[candidate.id].frame.prefix == ""

    def scale(self, candidate: Candidate) -> Array | None:
        """What a BatchNormalization right behind multiplies each output channel by."""
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
        """Content of a tensor stored in the main graph, where there is one of this name."""
        stored = (tensor for tensor in self.loaded.proto.graph.initializer if tensor.name == name)
        tensor = next(stored, None)
        return None if tensor is None else content(tensor, folder(self.loaded))

    def shortcut(self, candidate: Candidate) -> str | None:
        """The value that is added to the output right behind, where it is there before.

        Its own error, made by layers that were converted earlier, can then be undone here.
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
    """Look a model over once."""
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
