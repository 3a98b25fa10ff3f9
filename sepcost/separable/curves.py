"""The menus of a network with all that is known of them, and the curves through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sepcost.cost.analysis import Analysis
from sepcost.separable.candidates import Candidate, weight
from sepcost.separable.kernels import error_curve
from sepcost.separable.menu import Menu, Option, menus
from sepcost.separable.plan import Curve, curve
from sepcost.separable.settings import Aim, By, ConvertSettings
from sepcost.separable.timing import timed_menus
from sepcost.separable.trials import Trials

CLEARLY = 0.9  # of another option's error of the weights: closer ones are both tried on data


@dataclass(frozen=True, slots=True)
class Curves:
    """One curve for each kind of loss, over one kind of cost."""

    curves: tuple[Curve, ...]
    by: By  # the unit of the costs
    latency: float  # of the original, ns; 0 where no times were asked for


def curves(
    found: Sequence[Candidate], before: Analysis, settings: ConvertSettings, trials: Trials
) -> Curves:
    """Build the menus, find out what their options cost and lose, and weigh all plans.

    Options are timed where time is what counts, fitted and tried out where there are data.
    """
    fitter = trials.fitter
    offered = menus(found, before.network, fitter.macs, settings.forms, settings.form)
    latency = 0.0
    if settings.cost is By.LATENCY:
        runtime = settings.runtime
        offered = timed_menus(offered, before.network, runtime, settings.form, trials.tell)
        (latency,) = trials.times([fitter.context.loaded])
    by = settings.cost if settings.goal.aim is not Aim.MACS else By.MACS
    offered = tuple(_undominated(menu, by) for menu in _weighed(offered, trials))
    allocations = ["weights"]
    if fitter.data is not None and settings.fitted:
        offered, factors = fitter.fitted_menus(offered)
        allocations = ["own error"]
        if settings.by_effect:
            offered = trials.effects(offered, factors)
            allocations = ["effect", "own error"]
    whole = latency if by is By.LATENCY else float(before.totals.macs)
    costs = sum(_cost(menu.options[0], by) for menu in offered)
    rest = max(0.0, whole - costs)
    return Curves(tuple(curve(offered, by, one, rest) for one in allocations), by, latency)


def _cost(option: Option, by: By) -> float:
    return float(option.macs) if by is By.MACS else option.ns or 0.0


def _undominated(menu: Menu, by: By) -> Menu:
    """Leave out what costs no less than another option and has clearly larger errors.

    Errors of the weights are no errors on data, but they order options of one layer well enough
    to spare the clear losers a fit.
    """
    keep, *offers = menu.options

    def beaten(option: Option) -> bool:
        return any(
            _cost(other, by) <= _cost(option, by)
            and other.weight_error < CLEARLY * option.weight_error
            for other in offers
        )

    return replace(menu, options=(keep, *(option for option in offers if not beaten(option))))


def _weighed(offered: Sequence[Menu], trials: Trials) -> tuple[Menu, ...]:
    """Fill in the errors that the weights tell: one curve for all ranks of a form."""
    filled = []
    for menu in offered:
        candidate = menu.candidate
        forms = {option.form for option in menu.options if option.form is not None}
        if not forms:
            filled.append(menu)
            continue
        kernel, group = weight(candidate), candidate.convolution.group
        scale = trials.fitter.context.scale(candidate)
        lost = {form: error_curve(kernel, form, group=group, scale=scale) for form in forms}
        options = [
            option
            if option.form is None
            else replace(option, weight_error=float(np.asarray(lost[option.form])[option.rank]))
            for option in menu.options
        ]
        filled.append(replace(menu, options=tuple(options)))
    return tuple(filled)
