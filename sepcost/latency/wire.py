"""The child's end of the line to its parent: a JSON object a line."""

from __future__ import annotations

import json
from time import perf_counter_ns
from typing import IO

BEAT_NS = 500_000_000


class Wire:
    """The line to the parent. ``stage`` says what is going on, ``beat`` that it still is."""

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
        """Begin something that may fail, so that both sides know what did."""
        self.doing = (doing, model)
        self.send(stage=doing, model=model)

    def beat(self) -> None:
        """At most twice a second: a line in the middle of a measurement disturbs it."""
        if perf_counter_ns() - self._last > BEAT_NS:
            self.send(stage=None)
