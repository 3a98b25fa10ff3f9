"""Goals -> the plan that meets them: predicted first, then measured, then planned again.

All plans worth choosing between lie on a curve of falling loss over rising cost (``knapsack``).
A goal asks for one end of the stretch that meets it: the cheapest that is good enough, or the
best that is fast enough. Predictions say where to look; measurements narrow the bracket.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sepcost.separable.plan.choices import Curve
from sepcost.separable.plan.knapsack import within_cost, within_loss
from sepcost.separable.plan.trials import Trial, Trials
from sepcost.separable.settings import Aim, Goal

TRIES = 7
ROUNDING = 1e-12  # 0.29 * 100 is less than 29
NEAR = 0.85  # of an allowed loss: closer is not worth another fit
SAFE_SPEED = 1.01  # of an asked speed-up: the last measurement, a longer one, may differ
NEAR_SPEED = 1.025  # above it another fit may pay: timing is no finer

#: What a place on the curve gave: whether it meets the goal, and where to look next.
Probe = Callable[[int], tuple[bool, int | None]]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A place on a curve, carried out."""

    curve: Curve
    place: int
    trial: Trial
    met: bool
    measured: float | None  # of what the goal limits: an error, a drop, a speed-up
    ns: float | None = None  # predicted
    predicted_speedup: float | None = None


def settle(bracket: tuple[int, int], first: int, probe: Probe, *, upward: bool) -> int:
    """Find the end of the stretch that meets a goal.

    Parameters
    ----------
    bracket
        Places just outside of those in question.
    first
        Where to look first.
    probe
        Looks at one place.
    upward
        Whether the goal is met up to some place; else from some place on.

    Returns
    -------
    int
        The last place known to meet it, at first the end of the bracket that is on its side.
    """
    low, high = bracket
    place: int | None = first
    for _ in range(TRIES):
        if high - low <= 1 or place is None:
            break
        here = min(max(place, low + 1), high - 1)
        met, place = probe(here)
        low, high = (here, high) if met == upward else (low, here)
        if place is not None and not low < place < high:
            place = (low + high) // 2
    return low if upward else high


def solve(goal: Goal, curve: Curve, trials: Trials, before: float) -> Found:
    """The plan on one curve that meets a goal best.

    Parameters
    ----------
    goal
        Any but a rank, which leaves nothing to choose.
    curve
        Plans by what the goal saves.
    trials
        What carries them out.
    before
        The original's cost in the curve's unit.

    Returns
    -------
    Found
        The fastest, or the cheapest, where no plan meets the goal.
    """
    return SOLVERS[goal.aim](goal, curve, trials, before)


def _by_macs(goal: Goal, curve: Curve, trials: Trials, before: float) -> Found:
    """MACs are exact: no measurement corrects them."""
    place = within_cost(curve.points, goal.value * before * (1 + ROUNDING) - curve.rest)
    at = 0 if place is None else place
    share = (curve.points[at].cost + curve.rest) / before if before else 0.0
    return Found(curve, at, trials.at(curve, at), place is not None, share)


def _by_speed(goal: Goal, curve: Curve, trials: Trials, before: float) -> Found:
    aimed = goal.value * SAFE_SPEED

    def budget(speed: float) -> int:
        return within_cost(curve.points, before / speed - curve.rest) or 0

    def probe(place: int) -> tuple[bool, int | None]:
        measured = trials.speedup(curve.selection(place))
        predicted = before / (curve.points[place].cost + curve.rest)
        trials.tell(f"{measured:.2f} times as fast, {predicted:.2f} predicted")
        met = measured >= aimed
        if met and measured <= goal.value * NEAR_SPEED:
            return True, None
        return met, budget(aimed * predicted / measured)

    last = len(curve.points) - 1
    place = settle((-1, last), budget(aimed), probe, upward=True)
    at = max(place, 0)
    trial = trials.at(curve, at)
    ns = curve.points[at].cost + curve.rest
    measured = trials.speedup(curve.selection(at))
    return Found(curve, at, trial, place >= 0, measured, ns, before / ns)


def _by_quality(goal: Goal, curve: Curve, trials: Trials, _: float) -> Found:
    def measure(trial: Trial) -> float:
        drop = trial.effect.drop
        return (
            trial.effect.relative_error
            if goal.aim is Aim.MAX_ERROR
            else 0.0
            if drop is None
            else drop
        )

    def probe(place: int) -> tuple[bool, int | None]:
        trial, loss = trials.at(curve, place), curve.points[place].loss
        measured = measure(trial)
        trials.tell(f"{goal.aim.removeprefix('max-')} {measured:.2g} of {goal.value:g}")
        met = measured <= goal.value
        if met and measured >= NEAR * goal.value:
            return True, None
        scale = (goal.value / measured) ** 2 if measured > 0 else 4.0
        target = within_loss(curve.points, loss * min(max(scale, 0.05), 20.0))
        return met, place if target is None else target

    last = len(curve.points) - 1
    guess = within_loss(curve.points, goal.value**2)
    place = settle((-1, last), last if guess is None else guess, probe, upward=False)
    trial = trials.at(curve, place)
    measured = measure(trial)
    return Found(curve, place, trial, measured <= goal.value, measured)


SOLVERS: dict[Aim, Callable[[Goal, Curve, Trials, float], Found]] = {
    Aim.MACS: _by_macs,
    Aim.SPEEDUP: _by_speed,
    Aim.MAX_ERROR: _by_quality,
    Aim.MAX_DROP: _by_quality,
}


def better(goal: Goal, found: Sequence[Found], trials: Trials) -> Found:
    """Of plans by several kinds of loss the one to keep: it meets the goal, then does it best."""

    def order(one: Found) -> tuple[bool, float]:
        cost = one.curve.points[one.place].cost
        by_cost = goal.aim in {Aim.MAX_ERROR, Aim.MAX_DROP}
        return not one.met, cost if by_cost else trials.weighed(one.trial)

    if len(found) == 1:
        return found[0]
    return min(found, key=order)
