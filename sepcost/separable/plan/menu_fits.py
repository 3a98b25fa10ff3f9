"""Fits of every option of a menu to the original's activations, few steps each: enough to rank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sepcost.errors import TimeUpError
from sepcost.separable.data.moments import Moments
from sepcost.separable.plan.fitting import Drafts, Fitter
from sepcost.separable.plan.menu import Menu, option_key
from sepcost.separable.plan.wide import fit_layer
from sepcost.separable.plan.worth import worth_a_fit
from sepcost.separable.settings import Saving
from sepcost.separable.side_by_side import side_by_side

_ITERATIONS = 12, 5  # the second for forms that converge early
_FIT_BYTES = 1 << 29  # of fits at a time
_COPIES = 6  # of a layer's covariance, while it is fitted


def fitted_menus(fitter: Fitter, menus: Sequence[Menu], by: Saving) -> tuple[Menu, ...]:
    """Fit the options; return menus with errors, and keep the factors as drafts of the fitter.

    Options that start far above others of no higher cost are left out.

    One pass over the data serves as many layers as fit in memory with their moments.
    """
    filled: list[Menu] = []
    if fitter.data is None:
        return tuple(menus)
    gathering = fitter.gathering()
    try:
        for part in gathering.parts(menus):
            layers = [menu.candidate for menu in part if fitter.on_data(menu.candidate)]
            gathered = gathering.together(layers)
            place = len(filled), len(menus)
            for menu, drafts in _side_by_side(fitter, part, gathered, by, place):
                filled.append(menu)
                fitter.drafts |= drafts
    except TimeUpError:
        left = len(menus) - len(filled)
        fitter.watch.leave_out(f"fits of {left} of {len(menus)} layers")
    return (*filled, *menus[len(filled) :])


def _side_by_side(
    fitter: Fitter, part: Sequence[Menu], gathered: dict[str, Moments], by: Saving,
    place: tuple[int, int],
) -> Iterator[tuple[Menu, Drafts]]:  # fmt: skip
    """Fit the layers of a part, as many at a time as their copies fit in memory."""
    fitter.sensitivity()  # which all fits share
    widest = max((one.covariance.nbytes for one in gathered.values()), default=1)
    most = max(1, _FIT_BYTES // (_COPIES * widest))

    def fitted(menu: Menu) -> tuple[Menu, Drafts]:
        moments = gathered.pop(menu.candidate.id, None)
        return (menu, {}) if moments is None else _fitted(fitter, menu, moments, by)

    made = side_by_side(fitted, part, most)
    for number, menu in enumerate(part, place[0] + 1):
        fitter.watch.check()
        name = menu.candidate.name or menu.candidate.id
        fitter.watch.tell("comparing fits of layer", number, place[1], name)
        yield next(made)


def _fitted(fitter: Fitter, menu: Menu, moments: Moments, by: Saving) -> tuple[Menu, Drafts]:
    candidate, (keep, *offers) = menu.candidate, menu.options
    wanted = [(o.form, o.rank) for o in offers if o.form is not None]
    options = fitter.options(candidate, *_ITERATIONS)
    left: list[int] = []

    def chosen(starts: Sequence[float]) -> list[int]:
        left.extend(worth_a_fit(offers, starts, by))
        return left

    factors = fit_layer(candidate, moments, wanted, options, chosen)
    whole = fitter.reach(candidate, moments)
    filled, drafts = [], {}
    for option, made in ((offers[place], factors[place]) for place in left):
        drafts[option_key(candidate, option.form, option.rank)] = made
        error = made.relative_error
        filled.append(replace(option, fitted_error=error, foretold=whole and whole * error**2))
    return replace(menu, options=(keep, *filled)), drafts
