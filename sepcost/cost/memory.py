"""The bytes that a layer moves, and the memory that activations need.

Conventions:

* A layer moves each distinct value that it reads or writes once, including weights, with sub-byte
  types packed. This assumes a perfect cache within a layer and none between layers.
* Views (Identity, Reshape, Flatten, Squeeze, Unsqueeze, Dropout at inference, ...) move nothing;
  their output shares the memory of their input. Constants move nothing, nor do nodes that hold
  subgraphs: the rows of the subgraph do.
* Gather and Slice, in all their forms, read only the bytes of the data that they write. Shape reads
  only the shape.
* The peak is that of one pass over the rows in order. An activation lives from the row that writes
  it to the last row that reads it; graph inputs live from the start to their last use, graph
  outputs to the end. While a row runs, its inputs and outputs are all live: nothing is reused in
  place. Weights and constants are not activations. The trips of a loop do not multiply the peak.
  The branches of an If follow each other in the rows, so the larger one sets the peak.
* Values of unknown size count as 0 in the peak.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from sepcost.cost.operators import row_of
from sepcost.cost.rows import Traffic
from sepcost.network import Layer, Network, Role, Value


@dataclass(frozen=True, slots=True)
class RooflineBound:
    """The shortest time that the roofline allows, and what limits it."""

    ns: float
    limit: str  # "compute" or "memory"


def bytes_moved(layer: Layer, network: Network) -> int | None:
    """Bytes that one run of a layer reads and writes; None if a size is unknown."""
    traffic = _traffic(layer)
    if traffic in {"view", "none"}:
        return 0
    writes = set(filter(None, layer.writes))
    reads = set(filter(None, layer.reads)) - writes
    if traffic in {"picks", "shape"}:
        reads -= set(layer.reads[:1])
    read, written = _sum(network, reads), _sum(network, writes)
    if read is None or written is None:
        return None
    return read + written * (2 if traffic == "picks" else 1)


def activation_bytes(layer: Layer, network: Network) -> int | None:
    """Bytes of activations that one run of a layer writes; a view writes none."""
    if _traffic(layer) in {"view", "none"}:
        return 0
    values = [network.values.get(name) for name in dict.fromkeys(layer.writes) if name]
    return _total([value for value in values if value is None or value.role is Role.ACTIVATION])


def peak_activation_bytes(network: Network, layers: Iterable[Layer] | None = None) -> int:
    """Return the maximum of live bytes of activations; see the module's conventions.

    Parameters
    ----------
    network
        Provides the values.
    layers
        The layers that run, in order; by default all layers of the network.
    """
    return max(live_bytes(network, layers), default=0)


def live_bytes(network: Network, layers: Iterable[Layer] | None = None) -> list[int]:
    """Return the live bytes of activations at the start and while each layer runs.

    The parameters are those of ``peak_activation_bytes``, which returns the largest of these.
    """
    order = tuple(network.layers if layers is None else layers)
    storage = _storage(order, network)
    births, deaths = _lifetimes(order, network, storage)
    changes = [0] * (len(order) + 2)
    for name, birth in births.items():
        size = _size(network.values.get(name)) or 0
        changes[birth] += size
        changes[deaths[name] + 1] -= size
    return list(accumulate(changes))[:-1]


def roofline_bound(
    macs: int, moved_bytes: int, peak_macs_per_ns: float, bytes_per_ns: float
) -> RooflineBound:
    """Return the larger of compute time and transfer time (Williams et al. 2009).

    ``max(macs / peak_macs_per_ns, moved_bytes / bytes_per_ns)``
    """
    compute, transfer = macs / peak_macs_per_ns, moved_bytes / bytes_per_ns
    return (
        RooflineBound(compute, "compute")
        if compute >= transfer
        else RooflineBound(transfer, "memory")
    )


def is_view(layer: Layer) -> bool:
    """Whether the output of a layer shares the memory of its first input."""
    return _traffic(layer) == "view"


def _traffic(layer: Layer) -> Traffic:
    return row_of(layer).traffic


def _storage(order: Iterable[Layer], network: Network) -> dict[str, str]:
    """Map each view to the value whose memory it shares."""
    storage: dict[str, str] = {}
    for layer in order:
        if _traffic(layer) == "view" and layer.reads and layer.writes:
            source = layer.reads[0]
            storage[layer.writes[0]] = storage.get(source, source)
    return storage


def _lifetimes(
    order: tuple[Layer, ...], network: Network, storage: dict[str, str]
) -> tuple[dict[str, int], dict[str, int]]:
    """First and last row of each activation with memory of its own; row 0 is the start."""
    births = {value.name: 0 for value in network.inputs}
    deaths = dict.fromkeys(births, 0)
    for row, layer in enumerate(order, start=1):
        for name in (*layer.reads, *layer.writes):
            home = storage.get(name, name)
            if home and lives(network.values.get(home)):
                births.setdefault(home, row)
                deaths[home] = row
    for name in network.outputs:
        home = storage.get(name, name)
        if home in births:
            deaths[home] = len(order)
    return births, deaths


def lives(value: Value | None) -> bool:
    """Whether a value needs memory while the network runs."""
    return value is not None and value.role in (Role.ACTIVATION, Role.INPUT)


def _sum(network: Network, names: set[str]) -> int | None:
    return _total([network.values.get(name) for name in names])


def _total(values: Iterable[Value | None]) -> int | None:
    total = 0
    for value in values:
        size = _size(value)
        if size is None:
            return None
        total += size
    return total


def _size(value: Value | None) -> int | None:
    return None if value is None else value.size_bytes
