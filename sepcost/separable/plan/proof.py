"""Whether the samples show that a quality goal is met: by the bound of the 95% interval."""

from __future__ import annotations

from math import ceil, inf

from sepcost.cost.words import plural
from sepcost.separable.data.samples import HELD
from sepcost.separable.quality.intervals import Estimate, least_bound, samples_to_show
from sepcost.separable.quality.judge import points
from sepcost.separable.runs.output_loss import UNCOMPARED, Effect
from sepcost.separable.settings import Aim, Goal


def estimate(goal: Goal, effect: Effect) -> Estimate:
    """The quantity that a quality goal limits: the error, or the loss by the metric."""
    if goal.aim is Aim.MAX_ERROR:
        return effect.error
    return effect.quality.loss if effect.quality else UNCOMPARED


def is_shown(goal: Goal, effect: Effect) -> bool:
    """Whether the upper bound is within the goal."""
    return estimate(goal, effect).high <= goal.value


def searched(goal: Goal, effect: Effect) -> float:
    """What the search compares with the goal: the bound, or the mean if no bound can meet it."""
    found = estimate(goal, effect)
    if goal.aim is Aim.MAX_ERROR:
        showable = found.high < inf
    else:
        showable = least_bound(found.samples) <= goal.value
    return found.high if showable else found.mean


def enough(goal: Goal, effect: Effect) -> int | None:
    """How many held-out samples would confirm the goal, if they behave like those seen."""
    found = estimate(goal, effect)
    if goal.aim is Aim.MAX_DROP:
        squares = effect.quality.squares if effect.quality else 0.0
        return samples_to_show(goal.value, found, squares)
    room = goal.value**2 - found.mean**2
    if room <= 0 or found.high == inf:
        return None
    return ceil(found.samples * ((found.high**2 - found.mean**2) / room) ** 2)


def stated(goal: Goal, effect: Effect) -> str:
    """The quantity with its interval: ``0.8 points (95%: −0.2 to 1.8; 256 samples)``."""
    found = estimate(goal, effect)
    count = plural(found.samples, "sample")
    if found.high == inf:
        return f"{found.mean:.3g} ({count}, too few for an interval)"
    shown = (f"{100 * one:.3g}" for one in (found.mean, found.low, found.high))
    mean, low, high = (one.replace("-", "−") for one in shown)
    unit = (
        f" {points(effect.quality.metric)}" if effect.quality and goal.aim is Aim.MAX_DROP else "%"
    )
    return f"{mean}{unit} (95%: {low} to {high}; {count})"


def unproved(goal: Goal, effect: Effect, inputs: str) -> str | None:
    """Why a quality goal is not met or not shown; None if it is confirmed.

    Parameters
    ----------
    goal
        A quality goal.
    effect
        Of the result.
    inputs
        What outputs were compared on: calibration, fitted, given or random.
    """
    if is_shown(goal, effect) and inputs != "fitted":
        return None
    if estimate(goal, effect).mean > goal.value:
        return goal.not_met(f"best reached {stated(goal, effect)}")
    more, hint = enough(goal, effect), ""
    if inputs == "fitted":
        hint = "; no sample was held out: give more calibration data"
    elif more is not None and inputs == "calibration":
        hint = (
            f"; about {more:,} held-out samples would show it: {HELD * more:,} calibration samples"
        )
    elif goal.aim is Aim.MAX_ERROR and inputs != "calibration":
        hint = "; more samples would show it: --calibrate DATA"
    return goal.not_shown(f"estimated {stated(goal, effect)}{hint}")
