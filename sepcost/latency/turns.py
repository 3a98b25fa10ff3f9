"""One launch: warm up, then take turns. Independent of models and ONNX Runtime.

A turn first discards about 1 ms of runs, because the other model has evicted the caches (without
this, a small model appears 25% slower), and then times about 6 ms of runs. Each round visits the
models in random order, so that disturbances affect all alike.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from time import perf_counter_ns, process_time_ns

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None  # type: ignore[assignment]

Run = Callable[[], object]
Beat = Callable[[], None]

TURN_NS = 6_000_000
DISCARD_NS = 1_000_000
SLOW_NS = 200_000_000  # from here on, a turn is a single run
ENOUGH = 12  # undisturbed runs per model
ROUNDS = 8
FEWEST_ROUNDS = 3
SHORT_S = 0.05  # slices below it are of hundreds of models, each of which takes no longer
STRETCH = 3  # longest extension of a launch that lacks undisturbed runs
WARM_RUNS = 40
WARM_NS = 2_000_000_000
BRIEF_NS = 100_000_000  # the same before a short slice
SETTLED = 0.98  # warm once the best of five is less than 2% better than all before

#: Whether the platform counts involuntary context switches separately.
SPLIT_SWITCHES = getrusage is not None


@dataclass(slots=True)
class TimedModel:
    """One model in a launch: how to run it, the length of its turns, and its times so far."""

    run: Run
    repeats: int = 1
    discards: int = 1
    wall_ns: list[int] = field(default_factory=list)
    cpu_ns: list[int] = field(default_factory=list)
    switches: list[int] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether there are enough undisturbed runs, or the platform cannot tell."""
        return not SPLIT_SWITCHES or self.switches.count(0) >= ENOUGH


def preempted() -> int:
    """Involuntary context switches of this process so far; 0 if not reported by the platform."""
    return getrusage(RUSAGE_SELF).ru_nivcsw if SPLIT_SWITCHES else 0


def warm_up(run: Run, beat: Beat = lambda: None, *, short: bool = False) -> int:
    """Run until the best of five stops improving by 2%, and return the best time in ns."""
    times: list[int] = []
    start, most = perf_counter_ns(), BRIEF_NS if short else WARM_NS
    while len(times) < WARM_RUNS and perf_counter_ns() - start < most:
        before = perf_counter_ns()
        run()
        times.append(perf_counter_ns() - before)
        beat()
        if len(times) >= 10 and min(times[-5:]) > SETTLED * min(times[:-5]):
            break
    return min(times)


def timed_model(run: Run, best_ns: int, *, short: bool = False) -> TimedModel:
    """Choose the length of a turn from the best time seen while warming up."""
    slow_ns = TURN_NS if short else SLOW_NS
    repeats = 1 if best_ns > slow_ns else min(50, max(3, ceil(TURN_NS / best_ns)))
    return TimedModel(run, repeats, min(10, max(1, ceil(DISCARD_NS / best_ns))))


def turn(model: TimedModel) -> None:
    """Discard, then time each run with its CPU time and its context switches."""
    run = model.run
    for _ in range(model.discards):
        run()
    for _ in range(model.repeats):
        switches, cpu = preempted(), process_time_ns()
        start = perf_counter_ns()
        run()
        end = perf_counter_ns()
        model.cpu_ns.append(process_time_ns() - cpu)
        model.switches.append(preempted() - switches)
        model.wall_ns.append(end - start)


def take_turns(
    models: Sequence[TimedModel], slice_s: float, seed: int, beat: Beat = lambda: None
) -> None:
    """Time every model in rounds of random order, for about ``slice_s`` seconds each.

    The time is stretched up to threefold until each model has enough undisturbed runs. Slow
    models take at least three rounds, however long those last.
    """
    order, least = list(models), FEWEST_ROUNDS if slice_s < SHORT_S else ROUNDS
    shuffle = random.Random(seed).shuffle
    budget = slice_s * 1e9 * len(order)
    start = perf_counter_ns()
    rounds = 0
    gc.collect()
    gc.disable()
    try:
        while not _over(perf_counter_ns() - start, budget, rounds, least, order):
            shuffle(order)
            for model in order:
                turn(model)
                beat()
            rounds += 1
    finally:
        gc.enable()


def _over(
    spent: float, budget: float, rounds: int, least: int, models: Sequence[TimedModel]
) -> bool:
    """Whether the time spent and the rounds are enough."""
    if rounds < FEWEST_ROUNDS:
        return False
    if spent >= STRETCH * budget:
        return True
    return spent >= budget and rounds >= least and all(model.settled for model in models)
