"""Times of each convolution and each of its replacements on this machine.

Each distinct shape gets its own network, and all networks take turns in the same processes. A
cheap convolution precedes each layer, because runtimes keep activations in their own layout
between convolutions; its own time is subtracted. Three ranks of a form are measured and the
others interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sepcost.errors import MeasurementError, TimeUpError
from sepcost.latency.jobs import Runtime
from sepcost.network import Network
from sepcost.separable.find.candidates import Candidate
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.layer_times import Time, layer_times
from sepcost.separable.plan.menu import Key, Menu, Option, option_key, shell
from sepcost.separable.rewrite.emit import applicable
from sepcost.separable.settings import ConvertSettings
from sepcost.separable.watch import Watch


def timed_menus(
    menus: Sequence[Menu], network: Network, runtime: Runtime, form: str | None, watch: Watch
) -> tuple[Menu, ...]:
    """Fill in times, choose the fastest emitted form of each option, drop those that gain no time.

    Parameters
    ----------
    menus
        Menus of options with fewer MACs.
    network
        The layers' network, for its opset.
    runtime
        Provider and threads, the same as in the measurement of the result.
    form
        The emitted form to use if possible; None chooses the fastest.
    watch
        Asked while networks run.

    Raises
    ------
    MeasurementError
        A network cannot be run or timed.
    TimeUpError
        The time is up.
    """
    variants = {menu.candidate.id: _variants(menu, form) for menu in menus}
    parts = [
        (menu.candidate, part)
        for menu in menus
        for part in (None, menu.options[0], *_measured(variants[menu.candidate.id]))
    ]
    ns = layer_times(parts, network, runtime, watch)
    filled = []
    for menu in menus:
        candidate = menu.candidate
        keep = replace(menu.options[0], ns=_own(candidate, menu.options[0], ns))
        timed = [one for way in _ways(variants[candidate.id]) for one in _read(way, candidate, ns)]
        filled.append(replace(menu, options=_paying([keep, *timed])))
    return tuple(filled)


def _ways(variants: Sequence[Option]) -> list[list[Option]]:
    """Options that differ only in rank."""
    ways: dict[tuple[object, ...], list[Option]] = {}
    for one in variants:
        ways.setdefault((one.form, one.emitted, one.lifted), []).append(one)
    return list(ways.values())


def _few(way: Sequence[Option]) -> list[Option]:
    """The lowest, the middle and the highest rank."""
    return [way[k] for k in sorted({0, len(way) // 2, len(way) - 1})]


def _measured(variants: Sequence[Option]) -> list[Option]:
    return [one for way in _ways(variants) for one in _few(way)]


def _read(way: Sequence[Option], candidate: Candidate, ns: Time) -> list[Option]:
    """Times of all ranks: measured, or interpolated by MACs."""
    few = sorted(_few(way), key=lambda one: one.macs)
    known = [_own(candidate, one, ns) for one in few]
    read = np.interp([one.macs for one in way], [one.macs for one in few], known)
    return [replace(one, ns=float(value)) for one, value in zip(way, read, strict=True)]


def timed_choices(
    choices: Sequence[Choice], network: Network, runtime: Runtime, watch: Watch
) -> tuple[Choice, ...]:
    """Fill in the time of each converted layer before and after, if the plan has none.

    The arguments are those of ``timed_menus``.

    Raises
    ------
    MeasurementError
        A layer cannot be run or timed.
    """
    untimed = {
        choice.candidate.id: (Option(None, 0, choice.macs_before), _option(choice))
        for choice in choices
        if choice.ns_before is None or choice.ns_after is None
    }
    parts = [
        (choice.candidate, part)
        for choice in choices
        if choice.candidate.id in untimed
        for part in (None, *untimed[choice.candidate.id])
    ]
    ns = layer_times(parts, network, runtime, watch)

    def timed(choice: Choice) -> Choice:
        if choice.candidate.id not in untimed:
            return choice
        before, after = (
            _own(choice.candidate, option, ns) for option in untimed[choice.candidate.id]
        )
        return replace(choice, ns_before=before, ns_after=after)

    return tuple(map(timed, choices))


def slower_options(
    choices: Sequence[Choice], network: Network, settings: ConvertSettings, watch: Watch
) -> set[Key]:
    """Replacements that were measured slower than the layer that they replace.

    Returns
    -------
    set of tuple
        Keys of the options; empty if they were not timed.
    """
    try:
        timed = timed_choices(choices, network, settings.runtime, watch)
    except (MeasurementError, TimeUpError):
        return set()
    return {
        option_key(one.candidate, one.factors.form, one.factors.rank)
        for one in timed
        if one.ns_before is not None and (one.ns_after or 0.0) > one.ns_before
    }


def faster_in_2d(
    choices: Sequence[Choice], network: Network, runtime: Runtime, watch: Watch
) -> tuple[Choice, ...]:
    """Write 1-D convolutions in 2-D where that is measured faster, unless a plan has timed them.

    The arguments are those of ``timed_menus``.

    Raises
    ------
    MeasurementError
        A layer cannot be run or timed.
    """
    pairs = {
        one.candidate.id: [replace(_option(one), lifted=lifted) for lifted in (False, True)]
        for one in choices
        if can_lift(one.candidate) and one.ns_after is None
    }
    parts = [
        (one.candidate, option) for one in choices for option in pairs.get(one.candidate.id, ())
    ]
    ns = layer_times(parts, network, runtime, watch)

    def chosen(choice: Choice) -> Choice:
        if choice.candidate.id not in pairs:
            return choice
        flat, lifted = (ns(choice.candidate, option) for option in pairs[choice.candidate.id])
        return replace(choice, lifted=lifted < flat)

    return tuple(map(chosen, choices))


def can_lift(candidate: Candidate) -> bool:
    """Whether the parts can be written in 2-D: a 1-D convolution that runs in floats."""
    return len(candidate.convolution.kernel) == 1 and candidate.activations is None


def _option(choice: Choice) -> Option:
    factors = choice.factors
    return Option(factors.form, factors.rank, choice.macs_after, choice.form_emitted, choice.lifted)


def _own(candidate: Candidate, option: Option, ns: Time) -> float:
    """The time of an option over all its runs, without that of its surroundings."""
    calls = (candidate.layer.trips or 1) * (1 + len(candidate.others))
    return max(0.0, ns(candidate, option) - ns(candidate, None)) * calls


def _variants(menu: Menu, form: str | None) -> list[Option]:
    """Each option in all its emitted forms, or in the one asked for if it has that."""
    variants = []
    ways = (False, True) if can_lift(menu.candidate) else (False,)
    for option in menu.options[1:]:
        assert option.form is not None
        possible = applicable(shell(menu.candidate, option.form, option.rank))
        chosen = (form,) if form in possible else possible
        variants += [
            replace(option, emitted=emitted, lifted=lifted) for emitted in chosen for lifted in ways
        ]
    return variants


def _paying(options: Sequence[Option]) -> tuple[Option, ...]:
    """The original, and the fastest variant of each option that takes less time."""
    keep, *offers = (replace(option, ns_before=options[0].ns) for option in options)
    best: dict[tuple[str, int], Option] = {}
    for option in offers:
        key = (str(option.form), option.rank)
        if (option.ns or 0) < min(best[key].ns or 0 if key in best else np.inf, keep.ns or 0):
            best[key] = option
    return (keep, *best.values())
