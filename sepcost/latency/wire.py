"""The child's connection to its parent: one JSON object per line."""

from __future__ import annotations

import json
from time import perf_counter_ns
from typing import IO

BEAT_NS = 500_000_000


class Wire:
    """Sends messages to the parent: ``stage`` reports a new step, ``beat`` that it continues."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last = 0
        self.doing = ("starting", "the measuring process")

    def send(self, **message: object) -> None:
        """Write one message."""
        self._stream.write(json.dumps(message) + "\n")
        self._stream.flush()
        self._last = perf_counter_ns()

    def stage(self, doing: str, model: str) -> None:
        """Report a step that may fail, so that its failure can be located."""
        self.doing = (doing, model)
        self.send(stage=doing, model=model)

    def beat(self) -> None:
        """Report progress, at most twice a second, as each message disturbs a measurement."""
        if perf_counter_ns() - self._last > BEAT_NS:
            self.send(stage=None)
