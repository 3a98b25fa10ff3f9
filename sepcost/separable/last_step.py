"""The last step of a conversion: all factors of the plan are tuned together, if that gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic

import numpy as np

from sepcost.errors import SepcostError
from sepcost.separable.factors.kernels import Factors, reconstruct
from sepcost.separable.find.candidates import weight
from sepcost.separable.plan import proof
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.goals import Solved
from sepcost.separable.plan.trials import Trial
from sepcost.separable.quality.judge import DATA
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import effect
from sepcost.separable.session import Session
from sepcost.separable.settings import QUALITY
from sepcost.separable.tuning import budget
from sepcost.separable.tuning.outcome import Tuning, is_better
from sepcost.separable.tuning.tune import BATCH, Task, Tuned, opened, pass_seconds, tune
from sepcost.separable.watch import TUNED


def tuned(session: Session, solved: Solved) -> tuple[Solved, Tuning | None]:
    """Tune a plan that was carried out, and keep the better of before and after.

    Returns
    -------
    Solved
        ``solved`` itself if it stays as it is.
    Tuning
        None if nothing was tuned.
    """
    if not _is_possible(session, solved):
        return solved, None
    start, before = monotonic(), solved.trial.effect
    try:
        found = _tuned(session, solved)
    except SepcostError as error:  # the fitted factors are usable without it
        session.notes.append(f"not tuned: {error}")
        return solved, None
    if found is None:
        return solved, None
    session.notes += _untuned(solved, found.factors)
    if not found.factors:
        return solved, None
    built = _built(session, solved.trial, found.factors) if found.passes else solved.trial
    after = built.effect
    kept = is_better(before.loss, after.loss)
    seconds = monotonic() - start
    record = Tuning(found.passes, before.loss, after.loss, after.samples, kept, seconds)
    return (_judged(session, solved, built) if kept else solved), record


def _is_possible(session: Session, solved: Solved) -> bool:
    """Whether there are factors, and data to tune them on."""
    settings, data = session.settings, session.fitter.data
    if data is None or session.inputs not in DATA or settings.random_init:
        return False
    if not solved.trial.choices or settings.tune == 0:
        return False
    if session.inputs == "fitted":
        session.notes.append("not tuned: too few samples to hold some out")
        return False
    return True


def _tuned(session: Session, solved: Solved) -> Tuned | None:
    """Tune for the passes as asked; by default, for those that take about two minutes."""
    most, effect = session.settings.tune, solved.trial.effect
    if most is None:
        most = budget.passes(effect.loss, session.before.totals.macs, effect.samples)
    if not most:
        return None
    if most < BATCH:
        session.notes.append(f"not tuned: --tune {most} is less than the {BATCH} samples of a step")
        return None
    if session.watch.within(TUNED).over:
        session.watch.leave_out("tuning")
        return None
    task = _task(session, solved, most)
    taught = opened(task)
    if taught is None:
        return Tuned({}, 0)
    if session.settings.tune is None:
        task = replace(task, passes=budget.affordable(most, pass_seconds(task, taught)))
    return tune(task, taught) if task.passes else None


def _task(session: Session, solved: Solved, passes: int) -> Task:
    data = session.fitter.data
    assert data is not None
    return Task(
        session.fitter.context,
        solved.trial.choices,
        data,
        session.trials.judged_on.parts,
        session.wanted.sizes,
        budget.rate(solved.trial.effect.loss),
        passes,
        session.settings.seed,
        session.watch.within(TUNED),
    )


def _untuned(solved: Solved, factors: Mapping[str, Factors]) -> list[str]:
    """The note on converted layers that keep their fitted factors."""
    every = [one.candidate for one in solved.trial.choices if one.candidate.id not in factors]
    left = [one for one in every if one.dense is None]
    notes = ["dense layers keep their fitted factors"] if len(left) < len(every) else []
    if left:
        names = ", ".join(repr(one.name or one.id) for one in left[:3])
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        notes.append(f"not tuned, as no gradients reach them: {names}{more}")
    return notes


def _built(session: Session, trial: Trial, factors: Mapping[str, Factors]) -> Trial:
    """The plan with new factors; ranges between quantised parts are observed again."""
    made: list[Choice] = []
    for choice in trial.choices:
        new = factors.get(choice.candidate.id)
        if new is None and choice.ranges is None:
            made.append(choice)
            continue
        changed = choice if new is None else _with(choice, new)
        made.append(session.fitter.ranged(replace(changed, ranges=None), made))
    model = separate(session.fitter.context.loaded, made)
    run = runner(model, session.fitter.settings.runtime)
    return Trial(tuple(made), model, effect(run, session.trials.judged_on))


def _with(choice: Choice, factors: Factors) -> Choice:
    """The choice with tuned factors; their error on the data of the fit is unknown."""
    original = weight(choice.candidate)
    size = float(np.linalg.norm(original))
    off = float(np.linalg.norm(original - reconstruct(factors))) / size if size else 0.0
    factors = replace(factors, relative_error=off)
    return replace(choice, factors=factors, weight_error=off, output_error=None)


def _judged(session: Session, solved: Solved, trial: Trial) -> Solved:
    """The tuned plan; the quantity that a quality goal limits is measured again."""
    goal = session.settings.searched
    if goal.aim not in QUALITY:
        return replace(solved, trial=trial)
    measured = proof.searched(goal, trial.effect)
    return replace(solved, trial=trial, measured=measured, met=measured <= goal.value)
