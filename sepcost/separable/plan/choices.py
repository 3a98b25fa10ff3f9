"""What is to become of each convolution, and what that is expected to cost and to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate, Skip
from sepcost.separable.plan.knapsack import Entry, Point, frontier
from sepcost.separable.plan.menu import Menu, Option
from sepcost.separable.settings import Goal, Saving


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One convolution with what takes its place."""

    candidate: Candidate
    factors: Factors
    form_emitted: str
    macs_before: int
    macs_after: int
    ns_before: float | None = None
    ns_after: float | None = None
    weight_error: float | None = None  # ‖W - W'‖ / ‖W‖; None for fresh weights
    output_error: float | None = None  # of this layer's output, on the data that it was fitted to
    effect: float | None = None  # on the network's output when it alone is replaced


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the parts add up to: to be held against what is measured."""

    macs: int
    loss: float | None = None  # summed over layers: KL, or squared relative error
    ns: float | None = None
    speedup: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Every convolution one way or the other, in execution order each."""

    goal: Goal
    choices: tuple[Choice, ...]
    kept: tuple[Skip, ...]
    predicted: Forecast
    allocation: str = "weights"  # what losses were: a key of ``LOSSES``, or rank


Selection = tuple[tuple[Candidate, Option], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """All plans worth choosing between, cheapest first, by one kind of loss."""

    menus: tuple[Menu, ...]
    points: tuple[Point, ...]
    allocation: str
    rest: float  # what all that is not on the menus costs

    def selection(self, place: int) -> Selection:
        """The layers that point ``place`` replaces, and by what."""
        picked = zip(self.menus, self.points[place].picks, strict=True)
        chosen = ((menu.candidate, menu.options[pick]) for menu, pick in picked)
        return tuple((candidate, option) for candidate, option in chosen if not option.keeps)


def curve(menus: Sequence[Menu], by: Saving, allocation: str, rest: float) -> Curve:
    """Weigh all plans at once.

    Parameters
    ----------
    menus
        With errors, and with times or effects where those are to count.
    by
        What a layer costs.
    allocation
        What a layer loses: a key of ``LOSSES``.
    rest
        Cost of the network beside the menus.
    """
    entries = [[_entry(menu, option, by, allocation) for option in menu.options] for menu in menus]
    return Curve(tuple(menus), frontier(entries), allocation, rest)


def _entry(menu: Menu, option: Option, by: Saving, allocation: str) -> Entry:
    cost = float(option.macs) if by is Saving.MACS else option.ns or 0.0
    return cost, 0.0 if option.keeps else LOSSES[allocation](option)


def _of_weights(option: Option) -> float:
    return option.weight_error**2


def _of_output(option: Option) -> float:
    return option.weight_error**2 if option.fitted_error is None else option.fitted_error**2


def _of_gradients(option: Option) -> float:
    return _of_output(option) if option.foretold is None else option.foretold


def _of_network(option: Option) -> float:
    return _of_output(option) if option.effect is None else option.effect


#: What replacing one layer loses, by what is known of it; each adds up over layers.
LOSSES = {
    "weights": _of_weights,
    "own error": _of_output,
    "gradients": _of_gradients,
    "effect": _of_network,
}
