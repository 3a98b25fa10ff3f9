"""How far a conversion is, and whether it must stop: the time is up, or the user asked for it.

Loops ask at their boundaries. Work that is not essential is then left out, and the best plan found
so far is carried out, verified and written like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from math import inf
from time import monotonic
from typing import TypeVar

from sepcost.errors import TimeUpError

T = TypeVar("T")
R = TypeVar("R")

#: Shares of the limit after which work ends: what improves the plan, what every plan needs and the
#: measurement of its latency, tuning. The rest is for comparing the outputs and writing.
IMPROVED, MEASURED, TUNED = 0.6, 0.8, 0.95


@dataclass(frozen=True, slots=True)
class Stage:
    """What is being done: ``fitting 3 of 12: conv4``."""

    doing: str
    number: int = 0  # from 1; 0 if it is not counted
    of: int = 0
    name: str = ""  # of a layer

    def __str__(self) -> str:
        """The step in words."""
        counted = f" {self.number} of {self.of}" if self.of else ""
        return f"{self.doing}{counted}{f': {self.name}' if self.name else ''}"


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """Passed to everything that takes long: it hears each step, and says when to stop."""

    on_step: Callable[[Stage], None] = lambda _: None
    asked: Callable[[], bool] = lambda: False  # whether the user asked to stop
    limit_s: float = inf
    share: float = 1.0  # of the limit
    started: float = field(default_factory=monotonic)
    left_out: list[str] = field(default_factory=list)  # for lack of time

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.asked() or monotonic() - self.started >= self.share * self.limit_s

    def part_of_rest(self) -> Callable[[], float]:
        """Tells the share of the time from now on that has passed; 0 without a limit."""
        now, end = monotonic(), self.started + self.share * self.limit_s
        if end == inf:
            return lambda: 0.0
        return lambda: min(1.0, (monotonic() - now) / max(end - now, 1e-9))

    def within(self, share: float) -> Watch:
        """The same watch, which is over after this share of the limit."""
        return replace(self, share=share)

    def tell(self, doing: str, number: int = 0, of: int = 0, name: str = "") -> None:
        """Report a step."""
        self.on_step(Stage(doing, number, of, name))

    def check(self) -> None:
        """Go on only if there is time.

        Raises
        ------
        TimeUpError
            If it is over.
        """
        if self.over:
            raise TimeUpError(self._too_early)

    def each(self, items: Iterable[T], doing: str, of: int) -> Iterator[T]:
        """Yield items, and report each; raises as ``check``."""
        for number, item in enumerate(items, 1):
            self.check()
            self.tell(doing, number, of)
            yield item

    def told(self, run: Callable[[T], R], doing: str, of: int) -> Callable[[T], R]:
        """The same function, which reports each of its calls."""
        numbers = count(1)

        def reported(given: T) -> R:
            self.tell(doing, next(numbers), of)
            return run(given)

        return reported

    def leave_out(self, what: str) -> None:
        """Record what is left out."""
        if what not in self.left_out:
            self.left_out.append(what)

    @property
    def notes(self) -> tuple[str, ...]:
        """The note on a conversion that was cut short."""
        if not self.left_out:
            return ()
        best = "this is the best plan found so far"
        return (f"{self._why}: {best}; left out: {', '.join(self.left_out)}",)

    @property
    def _why(self) -> str:
        if self.asked():
            return "stopped on request"
        return f"stopped after {self.limit_s:.3g} s (--max-time)"

    @property
    def _too_early(self) -> str:
        if self.asked():
            return "stopped before there was a plan"
        return f"no plan was found within {self.limit_s:.3g} s; raise --max-time"
