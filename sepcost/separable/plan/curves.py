"""A network's menus with their errors and times, and the curves of plans through them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from sepcost.cost.analysis import Analysis
from sepcost.separable.factors.blocks import Array, Form
from sepcost.separable.factors.spectrum import error_curve
from sepcost.separable.find.candidates import Candidate, weight
from sepcost.separable.plan.choices import Curve, cost, curve
from sepcost.separable.plan.menu import Key, Menu, Option, menus, option_key
from sepcost.separable.plan.menu_fits import fitted_menus
from sepcost.separable.plan.option_effects import OptionEffects, sampled
from sepcost.separable.plan.timing import timed_menus
from sepcost.separable.plan.trials import Trials
from sepcost.separable.settings import COUNTED, SAVINGS, Aim, ConvertSettings, Saving
from sepcost.separable.side_by_side import side_by_side
from sepcost.separable.watch import MEASURED, Watch

LARGE = 1e8  # multiplications of a step above which only a few widths are tried
LEAST = 1e-12  # error below which logarithms make no sense
CLEARLY = 0.9  # an option whose weight error is below this share of another's is clearly better


@dataclass(frozen=True, slots=True)
class Curves:
    """One curve per kind of loss, over one kind of cost."""

    curves: tuple[Curve, ...]
    by: Saving  # the unit of the costs
    latency: float  # of the original, ns; 0 if nothing was timed


def curves(
    candidates: Sequence[Candidate], before: Analysis, settings: ConvertSettings, trials: Trials
) -> Curves:
    """Build the menus, determine the cost and loss of their options, and compare all plans.

    Options are timed if the cost is latency, and fitted and tried if there is data.

    Raises
    ------
    TimeUpError
        The time is up before all plans can be compared.
    """
    fitter = trials.fitter
    offered = menus(candidates, fitter.macs, settings.forms, settings.emit)
    latency, needed = 0.0, trials.watch.within(MEASURED)
    if settings.cost is Saving.LATENCY:
        runtime = settings.runtime
        offered = timed_menus(offered, before.network, runtime, settings.emit, needed)
        (latency,) = trials.times([fitter.context.loaded], needed)
    aim = settings.goal.aim
    by = SAVINGS[aim] if aim in COUNTED else settings.cost
    offered = tuple(_undominated(menu, by) for menu in _with_errors(offered, trials, needed))
    offered, allocations = _on_data(offered, settings, trials, by)
    costs = sum(cost(menu.options[0], by) for menu in offered)
    rest = max(0.0, whole_cost(before, by, latency) - costs)
    return Curves(tuple(curve(offered, by, one, rest) for one in allocations), by, latency)


def whole_cost(before: Analysis, by: Saving, latency: float) -> float:
    """The original's cost: MACs, params or ns."""
    totals = before.totals
    costs = {Saving.MACS: totals.macs, Saving.PARAMS: totals.params, Saving.LATENCY: latency}
    return float(costs[by])


def without_slower(made: Curves, slower: Collection[Key]) -> Curves:
    """The curves without the options that were measured slower than the layer they replace.

    Parameters
    ----------
    made
        The curves.
    slower
        Id of the candidate, form and rank of each such option.
    """
    menus_ = tuple(
        replace(
            menu,
            options=tuple(
                option
                for option in menu.options
                if option_key(menu.candidate, option.form, option.rank) not in slower
            ),
        )
        for menu in made.curves[0].menus
    )
    kept = tuple(curve(menus_, made.by, one.allocation, one.rest) for one in made.curves)
    return replace(made, curves=kept)


def _on_data(
    offered: tuple[Menu, ...], settings: ConvertSettings, trials: Trials, by: Saving
) -> tuple[tuple[Menu, ...], Sequence[str]]:
    """Fit every option if there is data; return the menus and the known kinds of loss."""
    fitter = trials.fitter
    if fitter.data is None or not settings.method.fitted:
        return offered, ["weights"]
    offered = fitted_menus(fitter, offered, by)
    offers = [option for menu in offered for option in menu.options if not option.keeps]
    kinds = ["own error"]
    if offers and all(option.foretold is not None for option in offers):
        kinds.insert(0, "gradients")
    if settings.method.by_effect:
        by_error = settings.goal.aim is Aim.MAX_ERROR
        samples = sampled(trials.chosen_on, fitter.context.network)
        effects = OptionEffects(fitter, samples, by_error)
        offered = tuple(_with_effects(offered, effects, by, trials.watch))
        kinds.insert(0, "effect")
    return offered, kinds


def _with_effects(
    offered: Sequence[Menu], effects: OptionEffects, by: Saving, watch: Watch
) -> Iterator[Menu]:
    for number, menu in enumerate(offered, 1):
        if watch.over:
            watch.leave_out(f"effects of {len(offered) - number + 1} of {len(offered)} layers")
            yield from offered[number - 1 :]
            return
        name = menu.candidate.name or menu.candidate.id
        watch.tell("measuring effects of layer", number, len(offered), name)
        yield effects.with_effects(menu, by)


def _undominated(menu: Menu, by: Saving) -> Menu:
    """Drop options that cost no less than another and have clearly larger errors.

    Weight errors are not errors on data, but they rank the options of one layer well enough to
    skip fitting the clear losers. For a depthwise-bottleneck only an upper bound is known, and the
    fit goes far below it.
    """
    keep, *offers = menu.options
    bounded = Form.DEPTHWISE_BOTTLENECK

    def beaten(option: Option) -> bool:
        return option.form is not bounded and any(
            cost(other, by) <= cost(option, by)
            and other.weight_error < CLEARLY * option.weight_error
            for other in offers
        )

    return replace(menu, options=(keep, *(option for option in offers if not beaten(option))))


def _with_errors(offered: Sequence[Menu], trials: Trials, watch: Watch) -> tuple[Menu, ...]:
    """Fill in the weight errors: one curve for all ranks of a form."""

    def filled(menu: Menu) -> Menu:
        return replace(menu, options=(menu.options[0], *_errors(menu, trials)))

    counted = watch.each(offered, "comparing forms of layer", len(offered))
    return tuple(one for _, one in zip(counted, side_by_side(filled, offered), strict=False))


def _errors(menu: Menu, trials: Trials) -> Iterator[Option]:
    offers = menu.options[1:]
    if not offers:
        return
    kernel, group = weight(menu.candidate), menu.candidate.convolution.group
    scale = trials.fitter.context.scale(menu.candidate)
    for form, alike in groupby(offers, key=lambda option: option.form):
        assert form is not None
        options = list(alike)
        blind = form is not Form.DEPTHWISE_BOTTLENECK or not trials.fitter.on_data(menu.candidate)
        widths = [option.rank for option in options] if blind else []
        large = form is Form.DEPTHWISE_BOTTLENECK and kernel.size * max(widths, default=0) > LARGE
        tried = _few(widths) if large else widths
        lost = error_curve(kernel, form, group=group, scale=scale, widths=tried)
        if tried != widths:
            lost[widths] = np.minimum(lost[widths], read(lost, tried, widths))
        for option in options:
            yield replace(option, weight_error=float(lost[option.rank]))


def _few(widths: Sequence[int]) -> list[int]:
    """The narrowest width, a middle one and one of the widest, to follow each a little."""
    last = len(widths) - 1
    return [widths[k] for k in sorted({0, last // 2, last - last // 4})] if widths else []


def read(errors: Array, known: Sequence[int], wanted: Sequence[int]) -> Array:
    """Errors at some widths: linear in log error between known ones, and beyond the last."""
    logs = np.log(np.maximum(errors[list(known)], LEAST))
    found = np.interp(wanted, known, logs)
    if len(known) > 1:
        slope = (logs[-1] - logs[-2]) / (known[-1] - known[-2])
        found += min(slope, 0.0) * np.maximum(np.array(wanted) - known[-1], 0)
    return np.asarray(np.exp(found))
