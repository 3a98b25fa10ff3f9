"""Convert a model: load, find candidates, plan, rewrite, verify, save."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from sepcost.model.save import check_target, save
from sepcost.model.stamp import check_unchanged
from sepcost.separable.conversion import Conversion
from sepcost.separable.plan import goals
from sepcost.separable.plan.curves import Curves, curves
from sepcost.separable.plan.fixed_rank import at_fixed_rank
from sepcost.separable.plan.frontier import frontier
from sepcost.separable.plan.goals import Solved
from sepcost.separable.result import finished, unconverted
from sepcost.separable.session import Session, open_session
from sepcost.separable.settings import Aim, ConvertSettings, OnProgress, Saving, Wanted, check

AGAIN = 2  # further plans if the final measurement misses a speed-up that the search had met


def convert(
    source: str | Path,
    settings: ConvertSettings,
    wanted: Wanted,
    tell: OnProgress = lambda _: None,
) -> Conversion:
    """Convert a model by the settings, and write it if the goal is met.

    Parameters
    ----------
    source
        A source that ``sepcost.model.load`` accepts.
    settings
        The goal and the method.
    wanted
        The sizes, the file to write, and whether to compute the frontier.
    tell
        Called with the current step.

    Raises
    ------
    SepcostError
        If the source, the data or the target is at fault; nothing is written then.
    """
    check(settings)
    if wanted.target is not None:
        check_target(wanted.target, [Path(source)], force=wanted.force)
    with threadpool_limits(limits=1, user_api="blas"):  # two wait for each other on busy cores
        return _converted(source, settings, wanted, tell)


def _converted(
    source: str | Path, settings: ConvertSettings, wanted: Wanted, tell: OnProgress
) -> Conversion:
    session = open_session(source, settings, wanted, tell)
    if not session.candidates.eligible:
        saving = settings.goal.aim in {Aim.MACS, Aim.SPEEDUP}
        return unconverted(session, "no convolution can be converted", missed=saving)
    made = _curves(session, wanted)
    solved, result = _carried_out(session, made)
    if wanted.frontier and made is not None:
        result = replace(result, frontier=frontier(made, session.before, session.trials))
    check_unchanged(session.loaded.stamps)
    written: tuple[Path, ...] = ()
    if wanted.target is not None and result.plan.choices and (not result.missed or wanted.force):
        tell("writing")
        written = save(solved.trial.model, wanted.target, force=wanted.force)
    return replace(result, written=written)


def _carried_out(session: Session, made: Curves | None) -> tuple[Solved, Conversion]:
    """Plan and finish; plan again if the final, longest measurement misses the speed-up."""
    solved = _planned(session, made)
    result = finished(session, solved)
    for _ in range(AGAIN):
        slower = session.settings.goal.aim is Aim.SPEEDUP and result.missed and solved.met
        if not (slower and result.speedup and solved.measured):
            break
        session.tell(f"final speed-up only {result.speedup:.2f}: planning again")
        session.trials.correction *= result.speedup / solved.measured
        solved = _planned(session, made)
        result = finished(session, solved)
    return solved, result


def _planned(session: Session, made: Curves | None) -> Solved:
    """The plan that meets the goal best; the goal --rank leaves no choice."""
    settings, trials = session.settings, session.trials
    if settings.goal.aim is Aim.RANK or made is None:
        return at_fixed_rank(session.candidates.eligible, settings, trials)
    whole = float(session.before.totals.macs) if made.by is Saving.MACS else made.latency
    searched = goals.promising(settings.goal, made.curves, trials, whole)
    solved = [goals.solve(settings.goal, one, trials, whole) for one in searched]
    return goals.better(settings.goal, solved, trials)


def _curves(session: Session, wanted: Wanted) -> Curves | None:
    """Curves of plans, fitted and timed once for goal and frontier; None if a rank needs none."""
    if session.settings.goal.aim is Aim.RANK and not wanted.frontier:
        return None
    return curves(session.candidates.eligible, session.before, session.settings, session.trials)
