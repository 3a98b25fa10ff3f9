"""The frontier of error against MACs and latency, measured at a few plans of a curve."""

from __future__ import annotations

from dataclasses import dataclass

from sepcost.cost.analysis import Analysis
from sepcost.separable.plan import forecast
from sepcost.separable.plan.curves import Curves
from sepcost.separable.plan.knapsack import within_cost
from sepcost.separable.plan.trials import Trials

POINTS = 10


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One plan: its cost and its effect on the output, predicted and measured."""

    macs: int
    converted: int  # number of layers converted
    predicted_loss: float
    loss: float  # KL, or squared relative error
    relative_error: float
    drop: float | None  # loss of quality by the metric
    ns: float
    speedup: float
    allocation: str


def frontier(made: Curves, before: Analysis, trials: Trials) -> tuple[FrontierPoint, ...]:
    """Carry out plans spread evenly over the curve and time all networks in the same processes.

    Returns
    -------
    tuple of FrontierPoint
        From the cheapest to the original.
    """
    one = made.curves[0]
    low, high = one.points[0].cost, one.points[-1].cost
    budgets = [low + (high - low) * k / (POINTS - 1) for k in range(POINTS)]
    places = sorted({within_cost(one.points, budget + 1e-6) or 0 for budget in budgets})
    done = [trials.at(one, place) for place in places]
    models = [trials.fitter.context.loaded, *(trial.model for trial in done)]
    base, *times = trials.times(models, trials.watch)
    return tuple(
        FrontierPoint(
            macs=forecast.macs(before, trial.choices),
            converted=len(trial.choices),
            predicted_loss=one.points[place].loss,
            loss=trial.effect.loss,
            relative_error=trial.effect.relative_error,
            drop=trial.effect.quality.loss.mean if trial.effect.quality else None,
            ns=ns,
            speedup=base / ns,
            allocation=one.allocation,
        )
        for place, trial, ns in zip(places, done, times, strict=True)
    )
