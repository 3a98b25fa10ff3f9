"""The loss of a converted network's outputs against the original's, additive over layers.

The output of the classes, if there is one, loses the mean divergence of the class probabilities,

    KL = mean over samples and positions of  Σ p·(log p - log p'),

and all other outputs the mean of e² over their parts, the squared error relative to the spread
(``quality.parts``). Both are quadratic in small changes, so the losses of single layers sum to that
of the network as long as their errors are uncorrelated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.data.samples import Feeds
from sepcost.separable.quality.answers import gathered, is_number, rows_of
from sepcost.separable.quality.classes import Chosen, choose, divergences
from sepcost.separable.quality.intervals import Estimate, root_mean
from sepcost.separable.quality.judge import Judge, Quality, is_telling, judge
from sepcost.separable.quality.metrics import Judged
from sepcost.separable.quality.parts import OutputPart, parts
from sepcost.separable.quality.row_groups import RowGroups

Outputs = Sequence[Any]
Run = Callable[[Feeds], Outputs]
Array = NDArray[np.float64]

UNCOMPARED = Estimate(inf, 0.0, inf, 0)  # nothing was run, or no output is of numbers


@dataclass(frozen=True, slots=True)
class Effect:
    """Change of the outputs over all samples."""

    kl: float | None  # None if no output holds classes
    error: Estimate  # of the worst part, relative to its spread
    loss: float
    others: Estimate | None = None  # of the worst part that agreement does not judge
    qualities: tuple[Quality, ...] = ()  # that of the goal's metric first
    samples: int = 0
    batches: int = 0  # 0: nothing was run

    @property
    def relative_error(self) -> float:
        """The error of the worst part, relative to its spread."""
        return self.error.mean

    @property
    def quality(self) -> Quality | None:
        """The score by the goal's metric; None if nothing was scored."""
        return self.qualities[0] if self.qualities else None


#: Of a model whose outputs were not compared, and of one that was not changed.
UNKNOWN = Effect(None, UNCOMPARED, 0.0)
UNCHANGED = Effect(None, Estimate(0.0, 0.0, 0.0, 0), 0.0, batches=1)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Batches, the original's outputs for them, and what is judged of these."""

    names: Sequence[str]  # of the outputs
    batches: Sequence[Feeds]
    answers: Sequence[Outputs]
    rows: Sequence[int]  # samples of each batch
    parts: tuple[OutputPart, ...] = ()
    chosen: Chosen | None = None  # the output of the classes
    telling: bool = True  # whether agreement is informative: no class is nearly always the answer
    judge: Judge | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user specified about the outputs."""

    metric: str | None = None
    output: str | None = None  # the name of the one that holds the classes
    labels: NDArray[np.int64] | None = None
    groups: Mapping[str, RowGroups] = field(default_factory=dict)  # rows that are judged separately
    stacked: bool = True  # the leading axis of the inputs counts samples; else a run is one


def reference(
    names: Sequence[str],
    run: Run,
    batches: Iterable[Feeds],
    wish: Wish,
    like: Reference | None = None,
) -> Reference:
    """Run the original once, for any number of comparisons.

    Parameters
    ----------
    names
        Of the outputs, in the order of ``run``.
    run
        Runs the original.
    batches
        Inputs.
    wish
        What to judge.
    like
        A reference on other samples, with the same parts and classes.
    """
    kept = list(batches)
    answers = [run(batch) for batch in kept]
    rows = [rows_of(batch) if wish.stacked else 1 for batch in kept]
    if like is not None:
        return replace(like, batches=kept, answers=answers, rows=rows)
    whole = gathered(names, answers, rows)
    chosen = choose(whole, sum(rows), wish.labels, wish.output)
    made = parts(names, answers, rows, wish.groups, chosen)
    telling = chosen is not None and is_telling(chosen, whole)
    return Reference(names, kept, answers, rows, made, chosen, telling)


def scored(original: Reference, wish: Wish) -> Reference:
    """Also have results scored by the metrics.

    Raises
    ------
    ConversionError
        The metric does not apply to the model.
    """
    whole = gathered(original.names, original.answers, original.rows)
    if not whole:
        return original
    about = Judged(sum(original.rows), original.parts, original.chosen, wish.labels)
    return replace(original, judge=judge(wish.metric, about, whole))


def effect(run: Run, original: Reference) -> Effect:
    """Compare another network's outputs with the original's.

    Parameters
    ----------
    run
        Runs the network; outputs in the original's order.
    original
        The original's outputs.
    """
    tally = ErrorTally(original)
    for feeds, answers, rows in zip(original.batches, original.answers, original.rows, strict=True):
        tally.add(answers, run(feeds), rows)
    return tally.result()


@dataclass(slots=True, eq=False)
class ErrorTally:
    """Errors of each sample, batch by batch."""

    original: Reference
    squares: list[list[Array]] = field(init=False)  # e² of each part
    diverged: list[Array] = field(default_factory=list)  # KL
    kept: list[Outputs] = field(default_factory=list)  # to be scored

    def __post_init__(self) -> None:
        """One list per part."""
        self.squares = [[] for _ in self.original.parts]

    def add(self, answers: Outputs, outputs: Outputs, rows: int) -> None:
        """Add a batch of ``rows`` samples: the original's outputs and those of another network."""
        if self.original.judge:
            self.kept.append(outputs)
        for part, known in zip(self.original.parts, self.squares, strict=True):
            a, b = answers[part.place], outputs[part.place]
            if not is_number(b) or (a.dtype, a.shape) != (b.dtype, b.shape):
                known.append(np.full(rows, inf))
                continue
            a, b = part.of(a, rows), part.of(b, rows)
            with np.errstate(all="ignore"):  # answers may be infinite or NaN
                known.append(_finite(part.squared_errors(a, b)))
                if part.classes:
                    self.diverged.append(_finite(divergences(a, b, part.classes)))

    def result(self) -> Effect:
        """The effect over all batches."""
        original = self.original
        errors = [root_mean(np.concatenate(one)) for one in self.squares if one]
        pairs = list(zip(errors, original.parts, strict=False))
        apart = [one for one, part in pairs if part.classes is None]
        judged = [one for one, part in pairs if part.classes is None or not original.telling]
        kl = float(np.concatenate(self.diverged).mean()) if self.diverged else None
        own = float(np.mean([one.mean**2 for one in apart])) if apart else 0.0
        answers = gathered(original.names, self.kept, original.rows) if self.kept else {}
        scored = original.judge.qualities(answers) if original.judge and answers else ()
        return Effect(
            kl,
            max(errors, key=lambda one: one.mean, default=UNCOMPARED),
            own + (kl or 0.0),
            max(judged, key=lambda one: one.mean, default=None),
            scored,
            sum(original.rows),
            len(original.batches),
        )


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, inf)
