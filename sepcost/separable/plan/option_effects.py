"""The effect of each option alone on the network's output: a few measured, the rest interpolated.

Options that cost no less than another with a smaller own error are in no plan: they are dropped.
Among the others the effect grows with the own error, so that a few are measured, spread evenly over
the logarithm of the own error, and the rest interpolated: log effect against log error, made
monotone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike

from sepcost.network import Network
from sepcost.separable.data.samples import Feeds
from sepcost.separable.factors.kernels import Factors, reconstruct
from sepcost.separable.plan.choices import cost
from sepcost.separable.plan.fitting import Fitter
from sepcost.separable.plan.menu import Menu, Option
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Effect, ErrorTally, Reference, effect
from sepcost.separable.runs.tails import Tail, tail
from sepcost.separable.settings import Saving

SAMPLES = 256  # at most; all options are measured on the same ones
VALUE_BYTES = 1 << 24  # of the largest value over all samples: large ones show as much with fewer
FEWEST = 24  # samples, unless they are very large
HUGE_BYTES = 1 << 27  # of the largest value over FEWEST samples
FEWEST_HUGE = 6
MEASURED = 3  # options of each layer, at most
_LEAST = 1e-30


@dataclass(frozen=True, slots=True, eq=False)
class OptionEffects:
    """Measures the effects of options on some samples."""

    fitter: Fitter
    samples: Reference
    by_error: bool  # by the squared relative error, else by the loss

    def with_effects(self, menu: Menu, by: Saving) -> Menu:
        """A menu without dominated options, with the effects of the others."""
        keep, *offers = menu.options
        if not all(self.fitter.drafted(menu.candidate, option) for option in offers):
            return menu
        left = undominated(offers, by)
        chosen = spread(left)
        effects = self._effects(menu, chosen)
        known = [(_own(one), effect) for one, effect in zip(chosen, effects, strict=True)]
        read = between(known, [_own(one) for one in left])
        measured = dict(zip(map(id, chosen), effects, strict=True))
        filled = [
            replace(one, effect=measured.get(id(one), guess))
            for one, guess in zip(left, read, strict=True)
        ]
        return replace(menu, options=(keep, *filled))

    def _effects(self, menu: Menu, options: Sequence[Option]) -> list[float]:
        if not options:
            return []
        candidate, fitter = menu.candidate, self.fitter
        drafts = [fitter.draft(candidate, option) for option in options]
        part = tail(fitter.context, candidate, fitter.settings.runtime)
        if part is not None:
            found = _by_tail(part, [one.factors for one in drafts], self.samples, fitter)
        else:
            loaded, runtime = fitter.context.loaded, fitter.settings.runtime
            models = (separate(loaded, [fitter.ranged(one)]) for one in drafts)
            found = [effect(runner(model, runtime), self.samples) for model in models]
        return [one.relative_error**2 if self.by_error else one.loss for one in found]


def _by_tail(
    part: Tail, factors: Sequence[Factors], samples: Reference, fitter: Fitter
) -> list[Effect]:
    """Effects of kernels, all of them on one batch after the other."""
    names = fitter.context.network.outputs
    kernels = [(reconstruct(one), one.bias) for one in factors]
    tallies = [ErrorTally(samples) for _ in factors]
    for feeds, answers, rows in zip(samples.batches, samples.answers, samples.rows, strict=True):
        kept: Feeds = dict(zip(part.border, part.before(feeds), strict=True))
        for tally, (kernel, bias) in zip(tallies, kernels, strict=True):
            given = np.zeros(len(kernel)) if bias is None else bias
            changed = dict(zip(part.outputs, part.run(kept, kernel, given), strict=True))
            outputs = [changed.get(n, a) for n, a in zip(names, answers, strict=True)]
            tally.add(answers, outputs, rows)
    return [tally.result() for tally in tallies]


def sampled(original: Reference, network: Network) -> Reference:
    """The first batches: fewer samples the larger their values are."""
    size = max((4 * (value.elements or 0) for value in network.values.values()), default=0)
    fewest = min(FEWEST, max(FEWEST_HUGE, HUGE_BYTES // max(1, size)))
    most = min(SAMPLES, max(fewest, VALUE_BYTES // max(1, size)))
    first = 1 + sum(1 for count in accumulate(original.rows) if count < most)
    return replace(
        original,
        batches=original.batches[:first],
        answers=original.answers[:first],
        rows=original.rows[:first],
    )


def undominated(offers: Sequence[Option], by: Saving) -> list[Option]:
    """Options by rising own error; each costs less than all before it."""
    kept: list[Option] = []
    for one in sorted(offers, key=lambda option: (_own(option), cost(option, by))):
        if not kept or cost(one, by) < cost(kept[-1], by):
            kept.append(one)
    return kept


def spread(options: Sequence[Option], most: int = MEASURED) -> list[Option]:
    """The first, the last and some between, spread over the logarithm of the own error."""
    if len(options) <= most:
        return list(options)
    sizes = np.log([max(_own(one), _LEAST) for one in options])
    goals = np.linspace(sizes[0], sizes[-1], most)
    places = sorted({int(np.abs(sizes - goal).argmin()) for goal in goals})
    return [options[place] for place in places]


def between(known: Sequence[tuple[float, float]], wanted: ArrayLike) -> list[float]:
    """Effects at own errors, read on the monotone curve through the known pairs."""
    if not known:
        return []
    own, effects = np.log(np.maximum(np.array(sorted(known)), _LEAST)).T
    return list(
        np.exp(np.interp(np.log(np.maximum(wanted, _LEAST)), own, np.maximum.accumulate(effects)))
    )


def _own(option: Option) -> float:
    return (option.fitted_error or 0.0) ** 2
