"""Whether the goals of a conversion are met, and the best that was reached if not."""

from __future__ import annotations

from sepcost.separable import floors
from sepcost.separable.conversion import Conversion
from sepcost.separable.plan import proof
from sepcost.separable.plan.goals import Solved
from sepcost.separable.session import Session
from sepcost.separable.settings import COUNTED, QUALITY, Aim, Goal


def not_met(session: Session, result: Conversion, found: Solved) -> str | None:
    """The goals that are not met; None if all are met.

    A quality goal is met if the interval shows it.
    """
    goals = session.settings.goals
    missed = [one for goal in goals if (one := _reached(goal, session, result, found))]
    return "; ".join(missed) or None


def nearest(by_quality: tuple[Goal, Conversion], by_cost: tuple[Goal, Solved]) -> str:
    """The best cost within the quality, and the best quality within the cost."""
    quality, result = by_quality
    cost, solved = by_cost
    if not result.plan.choices:
        reached = "nothing converted"
    elif cost.aim is Aim.SPEEDUP:
        speedup = result.speedup
        reached = "the latency not measured" if speedup is None else f"a speed-up of {speedup:.2f}×"
    else:
        what = "params" if cost.aim is Aim.PARAMS else "MACs"
        reached = f"{_share(cost.aim, result):.1%} of the {what}"
    effect = solved.trial.effect
    lost = f"a loss of {proof.stated(quality, effect)}" if effect.batches else "an unknown loss"
    return f"closest: {quality.words} with {reached}, or {cost.words} with {lost}"


def _reached(goal: Goal, session: Session, result: Conversion, found: Solved) -> str | None:
    """What was asked and the best that was reached; None if the goal is met."""
    if goal.aim is Aim.RANK:
        exact = not goal.value and not session.settings.random_init
        return floors.inexact(result.plan.choices) if exact else None
    if goal.aim in QUALITY:
        return proof.unproved(goal, result.effect, result.inputs)
    if goal.aim in COUNTED:
        return _in_counts(goal, result)
    alone = goal is session.settings.searched
    reached = found.measured if result.speedup is None and alone else result.speedup
    if reached is None:
        return goal.not_shown("but the latency was not measured")
    met = reached >= goal.value and (found.met or result.speedup is not None)
    return None if met else goal.not_met(f"best reached {reached:.3g}")


def _in_counts(goal: Goal, result: Conversion) -> str | None:
    """Whether the share of the MACs or params is met; the most expensive branch may change."""
    unknown = _uncounted(result) if goal.aim is Aim.MACS else ""
    if unknown:
        return goal.not_shown(f"but {unknown}")
    reached = _share(goal.aim, result)
    if reached <= goal.value:
        return None
    return goal.not_met(f"best reached {goal.like(reached)}")


def _share(aim: Aim, result: Conversion) -> float:
    """The MACs or params after over those before."""
    before, after = (
        one.totals.macs if aim is Aim.MACS else one.totals.params
        for one in (result.before, result.after)
    )
    return after / before if before else 0.0


def _uncounted(result: Conversion) -> str:
    """Why a share of the MACs means nothing: some layers are not in the totals."""
    for one in (result.before, result.after):
        if not one.coverage.complete:
            hints = [warning for warning in one.warnings if "--observe" in warning]
            return "; ".join((hints + [w for w in one.warnings if "lower bounds" in w])[:1])
    return ""
