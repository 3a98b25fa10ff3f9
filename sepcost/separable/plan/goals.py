"""Search for the plan that meets a goal best: predict, measure, predict again.

All Pareto-optimal plans form a curve of falling loss over rising cost (``knapsack``). A goal asks
for one end of the stretch that meets it: the cheapest plan that is accurate enough, or the most
accurate one that is fast enough. Predictions choose the next point; measurements narrow the
bracket.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sepcost.errors import TimeUpError
from sepcost.separable.plan.choices import Curve, Selection
from sepcost.separable.plan.knapsack import within_cost, within_loss
from sepcost.separable.plan.proof import searched
from sepcost.separable.plan.trials import Trial, Trials
from sepcost.separable.settings import COUNTED, QUALITY, Aim, Goal

TRIES = 7
ROUNDING = 1e-12  # 0.29 * 100 is below 29 in floating point
NEAR = 0.85  # share of an allowed error beyond which another fit is not worth it
SAFE_SPEED = 1.01  # margin on the speed-up asked for, as the longer final measurement may differ
SEARCH = "part of the search"  # what is left out if the time is up
NEAR_SPEED = 1.025  # a smaller surplus of speed is not worth another fit: timing is no more precise

#: Tries a place on the curve: whether it meets the goal, and where to look next.
Probe = Callable[[int], tuple[bool, int | None]]


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A place on a curve, carried out."""

    curve: Curve
    place: int
    trial: Trial
    met: bool
    measured: float | None  # the quantity that the goal limits: an error, a drop, a speed-up
    ns: float | None = None  # predicted
    predicted_speedup: float | None = None


def settle(bracket: tuple[int, int], first: int, probe: Probe, *, upward: bool) -> int:
    """Find the end of the stretch that meets a goal.

    Parameters
    ----------
    bracket
        Places just outside the range of the search.
    first
        Where to look first.
    probe
        Tries one place; raises TimeUpError to stop the search.
    upward
        Whether the goal is met up to some place; otherwise from some place on.

    Returns
    -------
    int
        The last place known to meet the goal; if none is, the end of the bracket on that side, or
        where a stopped search would have looked next.
    """
    low, high = bracket
    place: int | None = first
    for _ in range(TRIES):
        if high - low <= 1 or place is None:
            break
        here = min(max(place, low + 1), high - 1)
        try:
            met, place = probe(here)
        except TimeUpError:
            met_somewhere = low > bracket[0] if upward else high < bracket[1]
            if not met_somewhere:
                return here
            break
        low, high = (here, high) if met == upward else (low, here)
        if place is not None and not low < place < high:
            place = (low + high) // 2
    return low if upward else high


def solve(goal: Goal, curve: Curve, trials: Trials, before: float) -> Solved:
    """The plan on one curve that meets a goal best.

    Parameters
    ----------
    goal
        Any but a rank.
    curve
        Plans by the cost that the goal saves.
    trials
        Carries plans out.
    before
        The original's cost in the curve's unit.

    Returns
    -------
    Solved
        If no plan meets the goal, the one that comes closest.
    """
    return SOLVERS[goal.aim](goal, curve, trials, before)


def _by_count(goal: Goal, curve: Curve, trials: Trials, before: float) -> Solved:
    """MACs and params are exact: no measurement corrects them."""
    place = _within_count(goal, curve, before)
    at = 0 if place is None else place
    share = (curve.points[at].cost + curve.rest) / before if before else 0.0
    return Solved(curve, at, trials.at(curve, at), place is not None, share)


def _within_count(goal: Goal, curve: Curve, before: float) -> int | None:
    return within_cost(curve.points, goal.value * before * (1 + ROUNDING) - curve.rest)


def foreseen(goal: Goal, curve: Curve, before: float) -> Selection:
    """What a goal in MACs or params selects, which is known before the final fits; else nothing.

    The arguments are those of ``solve``.
    """
    if goal.aim not in COUNTED:
        return ()
    return curve.selection(_within_count(goal, curve, before) or 0)


def _by_speed(goal: Goal, curve: Curve, trials: Trials, before: float) -> Solved:
    aimed = goal.value * SAFE_SPEED

    def budget(speed: float) -> int:
        return _at_speed(curve, before, speed)

    def probe(place: int) -> tuple[bool, int | None]:
        measured = trials.speedup(curve.selection(place))
        predicted = before / (curve.points[place].cost + curve.rest)
        trials.watch.tell(f"speed-up {measured:.2f}, predicted {predicted:.2f}")
        trials.surplus = measured / predicted
        met = measured >= aimed
        if met and measured <= goal.value * NEAR_SPEED:
            return True, None
        return met, budget(aimed * predicted / measured)

    last = len(curve.points) - 1
    place = settle((-1, last), budget(aimed / trials.surplus), probe, upward=True)
    at = max(place, 0)
    trial = trials.at(curve, at)
    ns = curve.points[at].cost + curve.rest
    try:
        measured = trials.speedup(curve.selection(at))
    except TimeUpError:
        trials.watch.leave_out(SEARCH)
        return Solved(curve, at, trial, False, None, ns, before / ns)
    return Solved(curve, at, trial, place >= 0, measured, ns, before / ns)


def _at_speed(curve: Curve, before: float, speed: float) -> int:
    """The most accurate plan at a predicted speed-up; the fastest one if none reaches it."""
    return within_cost(curve.points, before / speed - curve.rest) or 0


def _by_quality(goal: Goal, curve: Curve, trials: Trials, _: float) -> Solved:
    def probe(place: int) -> tuple[bool, int | None]:
        if trials.watch.over:
            trials.watch.leave_out(SEARCH)
            trials.watch.check()
        trial, loss = trials.at(curve, place), curve.points[place].loss
        measured = searched(goal, trial.effect)
        trials.watch.tell(f"{goal.aim.removeprefix('max-')} {measured:.2g} of {goal.value:g}")
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
    measured = searched(goal, trial.effect)
    return Solved(curve, place, trial, measured <= goal.value, measured)


SOLVERS: dict[Aim, Callable[[Goal, Curve, Trials, float], Solved]] = {
    Aim.MACS: _by_count,
    Aim.PARAMS: _by_count,
    Aim.SPEEDUP: _by_speed,
    Aim.MAX_ERROR: _by_quality,
    Aim.MAX_DROP: _by_quality,
}


def promising(
    goal: Goal, curves: Sequence[Curve], trials: Trials, before: float
) -> Sequence[Curve]:
    """The curve whose plan loses least at the predicted cost: only that one is searched.

    Plans are compared as sketches. A goal of quality has no predicted cost: all curves are left.

    Raises
    ------
    TimeUpError
        The time is up.
    """
    if goal.aim not in {*COUNTED, Aim.SPEEDUP} or len(curves) < 2:
        return curves
    cost = goal.value * before
    if goal.aim is Aim.SPEEDUP:
        first = _at_speed(curves[0], before, goal.value * SAFE_SPEED)
        predicted = before / (curves[0].points[first].cost + curves[0].rest)
        trials.surplus = trials.speedup(curves[0].selection(first)) / predicted
        cost = before * trials.surplus / (goal.value * SAFE_SPEED)

    def loss(curve: Curve) -> float:
        trials.watch.check()
        place = within_cost(curve.points, cost * (1 + ROUNDING) - curve.rest) or 0
        return trials.selection_loss(trials.sketched(curve, place))

    return [min(curves, key=loss)]


def better(goal: Goal, solved: Sequence[Solved], trials: Trials) -> Solved:
    """The best of several plans: one that meets the goal, then the cheapest or most accurate."""

    def order(one: Solved) -> tuple[bool, float]:
        cost = one.curve.points[one.place].cost
        return not one.met, cost if goal.aim in QUALITY else trials.selection_loss(one.trial)

    if len(solved) == 1:
        return solved[0]
    return min(solved, key=order)
