"""Inputs and outputs of one convolution after the other, in the original and as converted so far.

All batches move through the network together, from one convolution to the next: what is needed
behind it is kept, so that no node runs twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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

HELD_BYTES = 1 << 28  # of all values kept, in the original and as converted

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
        source, target = candidate.layer.reads[0], candidate.layer.writes[0]
        here, order = self.context.order[target], self.context.order
        added = [shortcut] if shortcut else []
        self._move(self.original, self.context.observed, here + 1, [source, target, *added])
        side = self.converted if before else self.original
        if before:
            fresh = [c for c in before if order[c.candidate.layer.writes[0]] >= side.place]
            model = separate(self.context.observed, fresh)
            self._move(side, model, here, [source, *added])
        for values, now in zip(self.original.batches, side.batches, strict=True):
            answer = values[target]
            if shortcut:
                answer = answer + (values[shortcut] - now[shortcut])
            yield now[source], answer

    def _move(self, side: _Side, model: Loaded, place: int, wanted: Sequence[str]) -> None:
        """Run a side up to a place; keep what is read behind it, and the wanted values."""
        names = list(dict.fromkeys([*live(self.context, place), *wanted]))
        given = self._types(side)
        missing = [name for name in names if name not in given]
        run = runner(model, self.runtime, missing, given) if missing else None
        batches = side.batches if side.batches else self.data.batches()
        moved = []
        for feeds in batches:
            made = dict(zip(missing, run(feeds), strict=True)) if run else {}
            moved.append({name: made[name] if name in made else feeds[name] for name in names})
        side.place, side.batches = place, moved

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
    """A walk past these convolutions; None if it would keep too much, or values of unknown type."""
    values, most = context.network.values, 0
    if not all(context.in_main_graph(one) for one in candidates):
        return None
    order = [context.order[one.layer.writes[0]] for one in candidates]
    if order != sorted(order):
        return None
    for here in order:
        names = {*live(context, here), *live(context, here + 1)}
        if any(name not in values or values[name].dtype not in NUMBERS for name in names):
            return None
        most = max(most, sum(values[name].size_bytes or 0 for name in names))
    runs = len(data) if data.stacked and not data.fixed else -(-len(data) // data.batch)
    return Walk(context, data, runtime) if 2 * most * runs <= HELD_BYTES else None
