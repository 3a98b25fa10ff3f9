"""Gathers the moments of layers: of one as converted so far, or of several in the original."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.data.moments import Moments, PatchStream
from sepcost.separable.data.samples import Calibration
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.find.context import Context
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.menu import Menu
from sepcost.separable.plan.walks import Walk
from sepcost.separable.plan.wide import gathered_as, reader
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.settings import ConvertSettings
from sepcost.separable.watch import Watch

_HELD_BYTES = 1 << 30  # of moments at a time
_SEEN_BYTES = 1 << 27  # of inputs and outputs of layers in one run


@dataclass(frozen=True, slots=True, eq=False)
class Gathering:
    """Runs the calibration data and keeps only moments."""

    context: Context
    settings: ConvertSettings
    data: Calibration
    watch: Watch

    def moments(self, candidate: Candidate, before: Sequence[Choice], path: Walk | None) -> Moments:
        """Moments of the layer's inputs with ``before`` converted, and of its original outputs.

        Parameters
        ----------
        candidate
            The layer.
        before
            Convolutions converted in front of it.
        path
            Where the data stand in the network, if they move along it.

        Raises
        ------
        TimeUpError
            The time is up.
        """
        self.watch.check()
        changed = before if self.settings.method.asymmetric else ()
        shortcut = self.context.shortcut(candidate) if changed else None
        seen = self._seen if path is None else path.seen
        stream, read = self._stream(candidate), reader(candidate)
        for pair in seen(candidate, shortcut, changed):
            self.watch.check()
            stream.add(*read(pair))
        return stream.finish()

    def _seen(
        self, candidate: Candidate, shortcut: str | None, changed: Sequence[Choice]
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """As ``Walk.seen``, but each batch runs from the start."""
        source, target = candidate.source, candidate.layer.writes[0]
        added = [shortcut] if shortcut else []
        runtime = self.settings.runtime
        original = runner(self.context.observed, runtime, [source, target, *added])
        current = None
        if changed:
            model = separate(self.context.observed, changed)
            current = runner(model, runtime, [source, *added])
        for feeds in self.data.batches():
            seen, answer, *others = original(feeds)
            if current is not None:
                seen, *moved = current(feeds)
                for other, now in zip(others, moved, strict=True):
                    answer = answer + (other - now)
            yield seen, answer

    def parts(self, menus: Sequence[Menu]) -> list[list[Menu]]:
        """Split menus: the moments of a part, and its values in one run, fit in memory."""
        parts: list[list[Menu]] = [[]]
        held = shown = 0
        for menu in menus:
            geometry = gathered_as(menu.candidate)
            features = geometry.in_channels // geometry.group * int(np.prod(geometry.kernel))
            size = 8 * geometry.group * features * (2 * features + geometry.out_channels)
            seen = self._seen_bytes(menu.candidate)
            if parts[-1] and (held + size > _HELD_BYTES or shown + seen > _SEEN_BYTES):
                parts.append([])
                held = shown = 0
            parts[-1].append(menu)
            held += size
            shown += seen
        return parts

    def _seen_bytes(self, candidate: Candidate) -> int:
        """Bytes of the input and the output of a layer, over the samples of one run."""
        values, data = self.context.network.values, self.data
        rows = data.batch if data.stacked and not data.fixed else 1  # else the sizes include them
        names = candidate.source, candidate.layer.writes[0]
        return rows * sum(values[n].size_bytes or 0 for n in names if n in values)

    def together(self, candidates: Sequence[Candidate]) -> dict[str, Moments]:
        """Gather the moments of several layers in one pass of the data through the original.

        Raises
        ------
        TimeUpError
            The time is up.
        """
        if not candidates:
            return {}
        names = [(c.source, c.layer.writes[0]) for c in candidates]
        wanted = list(dict.fromkeys(name for pair in names for name in pair))
        run = runner(self.context.observed, self.settings.runtime, wanted)
        streams = [(self._stream(candidate), reader(candidate)) for candidate in candidates]
        runs = self.watch.each(self.data.batches(), "running calibration data", self.data.runs)
        for feeds in runs:
            values: dict[str, NDArray[Any]] = dict(zip(wanted, run(feeds), strict=True))
            for (stream, read), (source, target) in zip(streams, names, strict=True):
                stream.add(*read((values[source], values[target])))
            del values  # before the next run
        return {c.id: s.finish() for c, (s, _) in zip(candidates, streams, strict=True)}

    def _stream(self, candidate: Candidate) -> PatchStream:
        positions, seed = self.settings.method.positions, self.settings.seed
        return PatchStream(gathered_as(candidate), positions=positions, seed=seed)
