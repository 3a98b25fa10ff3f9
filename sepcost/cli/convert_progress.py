"""A running conversion on stderr: one line with the current step, or plain lines off a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from sepcost.cli.progress import clear_line, line_replaceable, replace_line
from sepcost.report.text import shorten, terminal
from sepcost.report.units import waiting

if TYPE_CHECKING:
    from sepcost.separable.watch import Stage

WIDTH = 70
EVERY_S = 10.0  # off a terminal: between two lines, and before the first
LEAST_S = 3.0  # a step that takes less gets no time left


@contextmanager
def live(quiet: bool) -> Iterator[Callable[[Stage], None]]:
    """Show the current step; in a terminal the line is replaced, and cleared at the end."""
    if quiet:
        yield lambda _: None
    elif not line_replaceable():
        yield plain()
    else:
        try:
            lines = Lines()
            yield lambda step: replace_line(lines.line(step))
        finally:
            clear_line()


def plain(clock: Callable[[], float] = monotonic) -> Callable[[Stage], None]:
    """Print steps as lines, at most one in ten seconds and none in the first ten.

    Parameters
    ----------
    clock
        Seconds since any moment.
    """
    lines = Lines(clock)
    last = lines.started

    def tell(step: Stage) -> None:
        nonlocal last
        shown = lines.line(step)
        if lines.now - last >= EVERY_S:
            last = lines.now
            sys.stderr.write(f"{shown}\n")
            sys.stderr.flush()

    return tell


@dataclass(slots=True)
class Lines:
    """Steps in words, with the time left of those that are counted."""

    clock: Callable[[], float] = monotonic
    started: float = field(init=False)
    now: float = field(init=False)
    doing: str = ""
    number: int = 0  # of the last step
    first: int = 0  # number at which this kind of step began
    began: float = 0.0

    def __post_init__(self) -> None:
        """The clock starts."""
        self.started = self.now = self.clock()

    def line(self, step: Stage) -> str:
        """``fitting 3 of 12: conv4 · about 40 s left · 65 s so far``."""
        self.now = self.clock()
        if step.doing != self.doing or step.number < self.number:
            self.doing, self.first, self.began = step.doing, step.number, self.now
        self.number = step.number
        parts = [terminal(shorten(str(step), WIDTH))]
        done, spent = step.number - self.first, self.now - self.began
        if done and spent >= LEAST_S:
            left = spent / done * (step.of - step.number + 1)
            parts.append(f"about {waiting(left)} left")
        return " · ".join([*parts, f"{waiting(self.now - self.started)} so far"])
