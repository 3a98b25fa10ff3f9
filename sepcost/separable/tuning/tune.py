"""Tune all factors of a converted network together, to answer as the original does.

The network learns only from the original, without labels (Hinton et al. 2015): from its outputs
(``distance``) and from the values that follow each converted layer (Romero et al. 2015). Samples
come from ``pool``, gradients from ``steps``, and ``coordinates`` says how weights move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import cos, pi
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.latency.machine import cores
from sepcost.separable.data.samples import Calibration, Feeds
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.context import Context
from sepcost.separable.quality.answers import rows_of
from sepcost.separable.quality.parts import OutputPart
from sepcost.separable.rewrite.separate import ChoiceLike
from sepcost.separable.tuning.distance import seeds
from sepcost.separable.tuning.lesson import Lesson, lesson, whitened
from sepcost.separable.tuning.student import student
from sepcost.separable.watch import Watch

BATCH = 16  # samples of a step
TIMED = 3  # runs to measure the time of a pass
TOLD = 32  # steps between lines on the screen
WARM = 0.05  # share of the steps in which the rate rises


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is tuned, and how."""

    context: Context  # of the original
    choices: Sequence[ChoiceLike]
    data: Calibration  # to tune on
    parts: Sequence[OutputPart]  # what counts of the outputs
    sizes: Mapping[str, Any]  # arguments of ``describe``
    rate: float  # the highest
    passes: int  # samples to run, in total
    seed: int = 0
    watch: Watch = field(default_factory=Watch)


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """New factors by id of the candidate; those that gradients do not reach are left out."""

    factors: Mapping[str, Factors]
    passes: int  # that ran: fewer than asked if time was up


def opened(task: Task) -> Lesson | None:
    """Open all sessions; None if nothing can be tuned.

    Raises
    ------
    SepcostError
        ONNX Runtime cannot run a graph.
    """
    inside = [
        one
        for one in task.choices
        if task.context.in_main_graph(one.candidate) and one.candidate.dense is None
    ]
    known = {id(one) for one in inside}
    others = [
        one
        for one in task.choices
        if id(one) not in known and one.candidate.id in task.context.places
    ]
    if not inside:
        return None
    made = student(task.context.observed, inside, others)
    random = np.random.default_rng(task.seed)
    return lesson(made, task.context, task.data, task.sizes, random)


def pass_seconds(task: Task, taught: Lesson) -> float:
    """CPU time of one pass, measured; raises as ``opened``."""
    random = np.random.default_rng(task.seed)
    weights, taken = dict(taught.student.weights), []
    for _ in range(TIMED):
        feeds, start = taught.pool.draw(range(taught.rows), random), process_time()
        _part(task, taught, weights, feeds)
        taken.append(process_time() - start)
    return min(taken) / taught.rows


def tune(task: Task, taught: Lesson) -> Tuned:
    """Tune the factors of all choices; raises as ``opened``."""
    made, reached = taught.student, set(taught.stepper.graphs.results)
    weights, passes = _tuned(task, taught)
    factors = {
        part.candidate.id: factors
        for part, factors, places in zip(
            made.parts, made.factors(weights), made.places, strict=True
        )
        if reached & set(places)
    }
    return Tuned(factors, passes)


def _tuned(task: Task, taught: Lesson) -> tuple[dict[str, NDArray[np.float64]], int]:
    """All weights after the last step, and the passes that ran."""
    random = np.random.default_rng(task.seed)
    moving = whitened(taught, random, task.passes)
    size = taught.rows * -(-BATCH // taught.rows) if task.data.fixed else BATCH
    steps = max(1, task.passes // size)
    order = _orders(len(taught.pool), random)
    weights, passes = dict(taught.student.weights), task.passes
    watch, passed = task.watch, task.watch.part_of_rest()
    with ThreadPoolExecutor(max(1, cores())) as threads:
        for step in range(steps):
            if watch.over:
                passes = step * size
                watch.leave_out(
                    f"{100 - max(1, 100 * step // steps)}% of the tuning" if step else "tuning"
                )
                break
            for one in moving:
                weights |= one.weights()
            batch = [next(order) for _ in range(size)]
            parts = [batch[k : k + taught.rows] for k in range(0, size, taught.rows)]
            feeds = [taught.pool.draw(part, random) for part in parts]
            found = list(threads.map(partial(_part, task, taught, weights), feeds))
            total = {name: np.sum([part[name] for part in found], axis=0) for name in found[0]}
            for one in moving:
                one.step(total, rate(task.rate, max(step / steps, passed()), steps), step + 1)
            if step % TOLD == 0:
                watch.tell("tuning all layers, step", step + 1, steps)
    for one in moving:
        weights |= one.weights()
    return weights, passes


def _part(
    task: Task, taught: Lesson, weights: Mapping[str, NDArray[np.float64]], feeds: Feeds
) -> dict[str, NDArray[np.float32]]:
    """Gradients of one run."""
    answers = taught.answers(feeds)
    rows = rows_of(feeds) if taught.pool.stacked else 1
    return taught.stepper.gradients(
        weights, feeds, answers, taught.scales,
        lambda outputs: seeds(task.parts, answers, outputs, rows),
    )  # fmt: skip


def rate(highest: float, share: float, steps: int) -> float:
    """The learning rate: it rises over the first steps, then falls to 0 as a cosine.

    Parameters
    ----------
    highest
        The highest rate.
    share
        Of the steps or of the time, whichever ends first.
    steps
        In total.
    """
    return highest * min(1.0, (share + 1 / steps) / WARM) * 0.5 * (1 + cos(pi * share))


def _orders(count: int, random: np.random.Generator) -> Iterator[int]:
    """Sample numbers in random order; each occurs once before any repeats."""
    while True:
        yield from random.permutation(count).tolist()
