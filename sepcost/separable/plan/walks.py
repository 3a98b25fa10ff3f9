"""Inputs and outputs of one convolution after the other, in the original and as converted so far.

All batches move through the network together, from one convolution to the next: what is needed
behind it is kept, so that no node runs twice. Where that is too much, they stay where they are, and
the nodes up to the convolution run for it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from numpy.typing import NDArray

from sepcost.latency.jobs import Runtime
from sepcost.model.dtypes import NUMBERS
from sepcost.model.graphs import reads
from sepcost.model.load import Loaded
from sepcost.model.values import text
from sepcost.network import Role
from sepcost.separable.data.samples import Calibration
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.find.context import Context
from sepcost.separable.plan.choices import Choice
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner

HELD_BYTES = 1 << 29  # of all values kept, in the original and as converted

_FIXED = frozenset({Role.WEIGHT, Role.CONSTANT})

Values = dict[str, NDArray[Any]]


@dataclass(slots=True, eq=False)
class _Side:
    """All batches at one place of one network: in front of node ``place``."""

    place: int = 0
    batches: list[Values] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Walk:
    """Moves all calibration data along the main graph."""

    context: Context
    data: Calibration
    runtime: Runtime
    original: _Side = field(default_factory=_Side)
    converted: _Side = field(default_factory=_Side)

    def seen(
        self, candidate: Candidate, shortcut: str | None, before: Sequence[Choice]
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Yield each batch's input of a convolution as converted so far, and its wanted output.

        Parameters
        ----------
        candidate
            A convolution behind that of the last call.
        shortcut
            A value that is added to the output: the wanted output makes up for its change.
        before
            All convolutions converted in front of this one.
        """
        source, target = candidate.source, candidate.layer.writes[0]
        here, order = self.context.order[target], self.context.order
        added = [shortcut] if shortcut else []
        path = self._moved(self.original, self.context.observed, here + 1, [source, target, *added])
        if not before:
            for values in path:
                yield values[source], values[target]
            return
        fresh = [c for c in before if order[c.candidate.layer.writes[0]] >= self.converted.place]
        model = separate(self.context.observed, fresh)
        other = self._moved(self.converted, model, here, [source, *added])
        for values, now in zip(path, other, strict=True):
            answer = values[target]
            if shortcut:
                answer = answer + (values[shortcut] - now[shortcut])
            yield now[source], answer

    def _moved(
        self, side: _Side, model: Loaded, place: int, wanted: Sequence[str]
    ) -> Iterator[Values]:
        """Yield the wanted values of each batch; move a side to a place that is not too large."""
        kept, given, held = live(self.context, place), self._types(side), side.batches
        moves = self._bytes(kept) <= HELD_BYTES
        names = dict.fromkeys([*kept, *wanted] if moves else wanted)
        missing = [name for name in names if name not in given]
        run = runner(model, self.runtime, missing, given) if missing else None
        moved: list[Values] = []
        for number, feeds in enumerate(held or self.data.batches()):
            made = dict(zip(missing, run(feeds), strict=True)) if run else {}
            values = {name: made[name] if name in made else feeds[name] for name in names}
            yield {name: values[name] for name in wanted}
            if moves:
                moved.append({name: values[name] for name in kept})
            if moves and held:
                held[number] = {}  # not read again
        if moves:
            side.place, side.batches = place, moved

    def _bytes(self, names: Sequence[str]) -> float:
        """Bytes of values over all batches, on both sides; infinite if one is of unknown type."""
        values, data = self.context.network.values, self.data
        if any(name not in values or values[name].dtype not in NUMBERS for name in names):
            return inf
        runs = len(data) if data.stacked and not data.fixed else -(-len(data) // data.batch)
        return 2 * runs * sum(values[name].size_bytes or 0 for name in names)

    def _types(self, side: _Side) -> Mapping[str, int]:
        names = side.batches[0] if side.batches else ()
        return {name: NUMBERS[self.context.network.values[name].dtype] for name in names}


def live(context: Context, place: int) -> tuple[str, ...]:
    """Activations known in front of a node of the main graph that it or a later one reads."""
    graph, values = context.observed.proto.graph, context.network.values
    later = {text(name) for node in graph.node[place:] for name in reads(node)}
    earlier = [text(name) for node in graph.node[:place] for name in node.output]
    inputs = [text(one.name) for one in graph.input]
    return tuple(
        name
        for name in (*inputs, *earlier)
        if name in later and (name not in values or values[name].role not in _FIXED)
    )


def walk(
    context: Context, candidates: Sequence[Candidate], data: Calibration, runtime: Runtime
) -> Walk | None:
    """A walk past these convolutions; None if they are not in order in the main graph."""
    if not all(context.in_main_graph(one) for one in candidates):
        return None
    order = [context.order[one.layer.writes[0]] for one in candidates]
    return Walk(context, data, runtime) if order == sorted(order) else None
