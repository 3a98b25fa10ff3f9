"""Plans of the goal --rank: every convolution at one rank, whatever the cost."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.separable.factors.blocks import Form
from sepcost.separable.factors.random_init import random_factors
from sepcost.separable.factors.spectrum import exact_rank
from sepcost.separable.find.candidates import Candidate, weight
from sepcost.separable.plan.choices import Choice, Curve, Selection
from sepcost.separable.plan.goals import Solved
from sepcost.separable.plan.menu import Option, emitted_as, forms_of, legal_ranks, shell
from sepcost.separable.plan.trials import Trial, Trials
from sepcost.separable.rewrite import emit
from sepcost.separable.settings import ConvertSettings


def at_fixed_rank(found: Sequence[Candidate], settings: ConvertSettings, trials: Trials) -> Solved:
    """Carry out ``--rank R`` or ``--rank full``, with factors or with random weights."""
    selection = tuple((candidate, _option(candidate, settings, trials)) for candidate in found)
    trial = _fresh(selection, settings, trials) if settings.random_init else trials.of(selection)
    return Solved(Curve((), (), "rank", 0.0), 0, trial, True, None)


def _option(candidate: Candidate, settings: ConvertSettings, trials: Trials) -> Option:
    """The rank asked for, or the next lower one that the kernel has; full is the exact rank."""
    form = forms_of(candidate, settings.forms)[0]
    legal = legal_ranks(candidate, form)
    wanted = int(settings.goal.value)
    if not wanted:
        group = candidate.convolution.group
        wanted = exact_rank(weight(candidate), form, group=group) or legal[-1]
    rank = max((rank for rank in legal if rank <= wanted), default=legal[0])
    factors = shell(candidate, form, rank)
    cost = emit.macs(candidate, factors)
    emitted = emitted_as(factors, settings.emit, integers=candidate.activations is not None)
    return Option(Form(form), rank, cost, emitted)


def _fresh(selection: Selection, settings: ConvertSettings, trials: Trials) -> Trial:
    choices = []
    for candidate, option in selection:
        assert option.form is not None
        factors = random_factors(
            candidate, shell(candidate, option.form, option.rank), settings.seed
        )
        before = trials.fitter.macs[candidate.id]
        choices.append(Choice(candidate, factors, option.emitted, before, option.macs))
    return trials.built(choices)
