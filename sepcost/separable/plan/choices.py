"""Plans: the replacement of each convolution, with its predicted cost and loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sepcost.separable.factors.kernels import Factors
from sepcost.separable.find.candidates import Candidate, Skip
from sepcost.separable.plan.knapsack import Entry, Point, frontier
from sepcost.separable.plan.menu import Menu, Option
from sepcost.separable.rewrite.draft import Ranges
from sepcost.separable.settings import Goal, Saving


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One convolution and its replacement."""

    candidate: Candidate
    factors: Factors
    form_emitted: str
    macs_before: int
    macs_after: int
    ns_before: float | None = None
    ns_after: float | None = None
    weight_error: float | None = None  # ‖W - W'‖ / ‖W‖; None for random weights
    output_error: float | None = None  # of the layer's output, on the data it was fitted to
    effect: float | None = None  # on the network's output if only this layer is replaced
    ranges: Ranges | None = None  # of the values between its parts, if these are quantised
    lifted: bool = False  # a 1-D convolution whose parts are written in 2-D


@dataclass(frozen=True, slots=True)
class Forecast:
    """Predictions for the whole network, to compare with measurements."""

    macs: int
    loss: float | None = None  # summed over layers: KL, or squared relative error
    ns: float | None = None
    speedup: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Every convolution, converted or kept, each list in execution order."""

    goal: Goal
    choices: tuple[Choice, ...]
    kept: tuple[Skip, ...]
    predicted: Forecast
    allocation: str = "weights"  # the kind of loss: a key of ``LOSSES``, or "rank"


Selection = tuple[tuple[Candidate, Option], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """The Pareto-optimal plans by one kind of loss, cheapest first."""

    menus: tuple[Menu, ...]
    points: tuple[Point, ...]
    allocation: str
    rest: float  # cost of the layers without a menu

    def selection(self, place: int) -> Selection:
        """The layers that point ``place`` replaces, and the option of each."""
        picked = zip(self.menus, self.points[place].picks, strict=True)
        chosen = ((menu.candidate, menu.options[pick]) for menu, pick in picked)
        return tuple((candidate, option) for candidate, option in chosen if not option.keeps)


def curve(menus: Sequence[Menu], by: Saving, allocation: str, rest: float) -> Curve:
    """Compare all plans.

    Parameters
    ----------
    menus
        Their options have errors, and times or effects if these are to count.
    by
        The kind of cost.
    allocation
        The kind of loss: a key of ``LOSSES``.
    rest
        Cost of the layers without a menu.
    """
    entries = [[_entry(menu, option, by, allocation) for option in menu.options] for menu in menus]
    return Curve(tuple(menus), frontier(entries), allocation, rest)


def cost(option: Option, by: Saving) -> float:
    """MACs, params, or ns; 0 if it was not timed."""
    costs = {Saving.MACS: option.macs, Saving.PARAMS: option.params, Saving.LATENCY: option.ns}
    return float(costs[by] or 0)


def _entry(menu: Menu, option: Option, by: Saving, allocation: str) -> Entry:
    return cost(option, by), 0.0 if option.keeps else LOSSES[allocation](option)


def _of_weights(option: Option) -> float:
    return option.weight_error**2


def _of_output(option: Option) -> float:
    return option.weight_error**2 if option.fitted_error is None else option.fitted_error**2


def _of_gradients(option: Option) -> float:
    return _of_output(option) if option.foretold is None else option.foretold


def _of_network(option: Option) -> float:
    return _of_output(option) if option.effect is None else option.effect


#: Losses of replacing one layer; each is additive over layers.
LOSSES = {
    "weights": _of_weights,
    "own error": _of_output,
    "gradients": _of_gradients,
    "effect": _of_network,
}
