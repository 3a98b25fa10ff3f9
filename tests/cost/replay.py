"""Runs a network in its arena, on names instead of numbers: who overwrites what."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.cost.arena import Arena
from sepcost.cost.memory import is_view
from sepcost.network import Layer, Network

Range = tuple[int, int]


def overlap(one: Range, other: Range) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def replay(network: Network, layers: Sequence[Layer], arena: Arena) -> None:
    """Assert that each layer finds its inputs as written, and that the outputs are left."""
    places = {
        value: (buffer.offset, buffer.offset + buffer.size)
        for buffer in arena.buffers
        for value in buffer.values
    }
    held = {value.name for value in network.inputs if value.name in places}
    for layer in layers:
        reads = {name for name in layer.reads if name in places}
        assert reads <= held, (layer.id, reads - held)
        for name in layer.writes:
            if name not in places:
                continue
            view = is_view(layer) and places.get(layer.reads[0]) == places[name]
            if not view:
                beside = [each for each in reads if overlap(places[each], places[name])]
                assert all(_in_place(network, places, each, name) for each in beside), layer.id
                held -= {each for each in held if overlap(places[each], places[name])}
            held.add(name)
    assert {name for name in network.outputs if name in places} <= held


def _in_place(network: Network, places: dict[str, Range], read: str, written: str) -> bool:
    same_shape = network.values[read].shape == network.values[written].shape
    return places[read] == places[written] and same_shape
