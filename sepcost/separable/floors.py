"""Minimum requirements of every result, whatever the goal: like the original, and faster.

A result that fails here is written only with ``--force``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from sepcost.separable.data.samples import HELD
from sepcost.separable.plan.choices import Choice
from sepcost.separable.quality.intervals import samples_to_show
from sepcost.separable.quality.judge import COMPARED_ON, DATA, LABEL_FREE, NAMES, counted
from sepcost.separable.runs.output_loss import Effect
from sepcost.separable.settings import Aim, ConvertSettings, Goal

AGREEMENT = 0.9  # smallest share of samples, or of boxes, for which the answer stays the same
SHOWN = 0.8  # smallest lower bound of that share
ERROR = 0.3  # largest error of an output, relative to its spread
EXACT = 1e-4  # largest error of the weights at full rank


def broken(effect: Effect, settings: ConvertSettings, inputs: str) -> str | None:
    """The minimum requirement that the outputs do not meet; None if they meet all.

    Parameters
    ----------
    effect
        Of the result.
    settings
        A quality goal replaces the floor of the same kind.
    inputs
        What outputs were compared on: calibration, fitted, given or random.
    """
    if settings.random_init or not effect.batches:
        return None
    reasons = [*_disagreements(effect, settings, inputs), *_errors(effect, settings, inputs)]
    if not reasons:
        return None
    return f"minimum requirement not met: {'; '.join(reasons)}"


def _disagreements(effect: Effect, settings: ConvertSettings, inputs: str) -> Iterator[str]:
    """Scores below the floor, or not shown to be above it; random inputs have no right answer."""
    if settings.quality is not None or inputs not in DATA:
        return
    for one in effect.qualities:
        if one.metric not in LABEL_FREE:
            continue
        samples = one.loss.samples
        found = f"{NAMES[one.metric]} {one.converted.mean:.1%} on {counted(samples, inputs)}"
        if one.converted.mean < AGREEMENT:
            yield f"{found}, below {AGREEMENT:.0%}"
        elif 1 - one.loss.high < SHOWN:
            more = samples_to_show(1 - SHOWN, one.loss, one.squares) or samples
            yield (
                f"{found}, too few to show at least {SHOWN:.0%}; give at least {HELD * more:,} "
                "calibration samples"
            )


def _errors(effect: Effect, settings: ConvertSettings, inputs: str) -> Iterator[str]:
    """Outputs that are too far off, except those that agreement judges."""
    if settings.quality is not None and settings.quality.aim is Aim.MAX_ERROR:
        return
    found = effect.others if inputs in DATA else effect.error
    if not isfinite(effect.error.mean):
        yield "the outputs are not finite, or cannot be compared"
    elif found is not None and found.mean > ERROR:
        off = f"{found.mean:.0%} of its spread on {COMPARED_ON[inputs]}s"
        yield f"an output is off by {off}; the limit is {ERROR:.0%}"
    elif found is not None and found.high > ERROR and inputs in DATA:
        off = f"{found.mean:.0%} of its spread on {counted(found.samples, inputs)}"
        yield f"an output is off by {off}, too few to show that it is at most {ERROR:.0%}"


def slower(speedup: float | None) -> str | None:
    """The minimum requirement that the latency does not meet; None if met or not measured."""
    if speedup is None or speedup > 1:
        return None
    return f"minimum requirement not met: not faster than the original ({speedup:.2f}×)"


def inexact(choices: tuple[Choice, ...]) -> str | None:
    """Why ``--rank full`` is not exact; None if it is."""
    off = [one for one in choices if (one.weight_error or 0.0) > EXACT or _rounds(one)]
    if not off:
        return None
    first = off[0]
    name, stored = first.candidate.name or first.candidate.id, first.candidate.stored
    if stored is not None and _rounds(first):
        why = f"the weights of {name!r} are stored as {stored.dtype}, which rounds the new ones"
    else:
        why = f"{first.factors.form} cannot be exact: {name!r} is off by {first.weight_error:.1%}"
    return Goal(Aim.RANK, 0).not_met(f"but {why}")


def _rounds(choice: Choice) -> bool:
    """Whether the weights are stored as integers."""
    stored = choice.candidate.stored
    return stored is not None and "int" in stored.dtype
