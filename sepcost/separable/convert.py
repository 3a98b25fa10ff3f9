"""Convert a model: load, find candidates, plan, rewrite, verify, save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from sepcost.errors import TimeUpError
from sepcost.model.load import Loaded
from sepcost.model.save import check_target, save
from sepcost.model.stamp import check_unchanged
from sepcost.separable.conversion import Conversion
from sepcost.separable.goal_check import nearest
from sepcost.separable.last_step import tuned
from sepcost.separable.plan import goals
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.curves import Curves, curves, whole_cost, without_slower
from sepcost.separable.plan.fixed_rank import at_fixed_rank
from sepcost.separable.plan.frontier import FrontierPoint, frontier
from sepcost.separable.plan.goals import Solved
from sepcost.separable.plan.menu import Key
from sepcost.separable.plan.timing import slower_options
from sepcost.separable.result import finished, unconverted
from sepcost.separable.returned_memory import return_memory
from sepcost.separable.session import UNSELECTED, Session, open_session
from sepcost.separable.settings import Aim, ConvertSettings, Goal, Saving, Wanted, check
from sepcost.separable.watch import Watch

AGAIN = 2  # further plans if the final measurement misses a speed-up that the search had met
SLOWER = 4  # further plans if a layer of the plan was measured slower than before
SLOWER_DRAFTS = 12  # the same before the final fits, where a further plan costs next to nothing


def convert(
    source: str | Path,
    settings: ConvertSettings,
    wanted: Wanted,
    watch: Watch | None = None,
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
    watch
        Hears each step, and says when to stop.

    Raises
    ------
    SepcostError
        If the source, the data or the target is at fault; nothing is written then.
    TimeUpError
        If the time is up before there is a plan.
    """
    check(settings)
    if wanted.target is not None:
        check_target(wanted.target, [Path(source)], force=wanted.force)
    return_memory()
    with threadpool_limits(limits=1, user_api="blas"):  # on busy cores, two wait for each other
        return _converted(source, settings, wanted, watch or Watch())


def _converted(
    source: str | Path, settings: ConvertSettings, wanted: Wanted, watch: Watch
) -> Conversion:
    session = open_session(source, settings, wanted, watch)
    if not session.candidates.eligible:
        noun = "layer" if settings.dense else "convolution"
        why = f"no {noun} can be converted"
        if any(one.reason in UNSELECTED for one in session.candidates.skips):
            why = f"no eligible {noun} was selected"
        result = unconverted(session, why)
        return _written(session, session.loaded, result)
    made = _curves(session, wanted)
    solved, result = _carried_out(session, made)
    if result.missed and settings.also is not None and made is not None:
        result = replace(result, missed=f"{result.missed}; {_nearest(session, made, result)}")
    if wanted.frontier and made is not None:
        result = replace(result, frontier=_frontier(session, made))
    result = replace(result, notes=(*result.notes, *watch.notes))
    return _written(session, solved.trial.model, result)


def _frontier(session: Session, made: Curves) -> tuple[FrontierPoint, ...]:
    try:
        return frontier(made, session.before, session.trials)
    except TimeUpError:
        session.watch.leave_out("the frontier")
        return ()


def _written(session: Session, model: Loaded, result: Conversion) -> Conversion:
    """Write the model if the goals are met; with --copy-unchanged, an original without changes."""
    wanted = session.wanted
    check_unchanged(session.loaded.stamps)
    if wanted.target is None:
        return result
    if result.plan.choices and (not result.missed or wanted.force):
        session.watch.tell("writing")
        return replace(result, written=save(model, wanted.target, force=wanted.force))
    if not result.plan.choices and wanted.copy_unchanged:
        session.watch.tell("copying the original")
        return replace(result, written=save(session.loaded, wanted.target, force=wanted.force))
    return result


def _carried_out(session: Session, made: Curves | None) -> tuple[Solved, Conversion]:
    """Plan and finish; plan again if the final, longest measurement misses the speed-up; tune."""
    solved = _planned(session, made)
    result = finished(session, solved)
    goal = session.settings.searched
    for _ in range(AGAIN):
        planned = solved.measured if goal.aim is Aim.SPEEDUP and solved.met else None
        if session.watch.over or not planned or not result.speedup:
            break
        if result.speedup >= goal.value:
            break
        session.watch.tell(f"final speed-up only {result.speedup:.2f}: planning again")
        session.trials.correction *= result.speedup / planned
        solved = _planned(session, made)
        result = finished(session, solved)
    better, tuning = tuned(session, solved)
    if better is not solved:
        result = finished(session, better, result)
    notes = tuple(dict.fromkeys([*result.notes, *session.notes]))
    return better, replace(result, tuning=tuning, notes=notes)


def _planned(session: Session, made: Curves | None) -> Solved:
    """The plan that meets the goal best, in which no layer was measured slower than before."""
    settings, trials = session.settings, session.trials
    if settings.goal.aim is Aim.RANK or made is None:
        return at_fixed_rank(session.candidates.eligible, settings, trials)
    if made.by is Saving.LATENCY or not settings.verify:
        return _solved(session, made, settings.searched)
    slower = _slower_drafts(session, made)
    solved = _solved(session, without_slower(made, slower), settings.searched)
    for _ in range(SLOWER):
        found = _slower(session, solved.trial.choices)
        if not found - slower:
            break
        slower |= found
        solved = _solved(session, without_slower(made, slower), settings.searched)
    return solved


def _slower_drafts(session: Session, made: Curves) -> set[Key]:
    """Slower layers of the plans that are foreseen, which need not be fitted for that."""
    trials, goal = session.trials, session.settings.searched
    slower: set[Key] = set()
    for _ in range(SLOWER_DRAFTS):
        left, found = without_slower(made, slower), set()
        for curve in left.curves:
            whole = whole_cost(session.before, made.by, made.latency)
            selected = goals.foreseen(goal, curve, whole)
            drafts = [trials.fitter.draft(*one) for one in selected]
            found |= _slower(session, trials.written_faster(drafts))
        if not found:
            break
        slower |= found
    return slower


def _slower(session: Session, choices: Sequence[Choice]) -> set[Key]:
    network, trials = session.before.network, session.trials
    return slower_options(choices, network, session.settings, trials.watch)


def _solved(session: Session, made: Curves, goal: Goal) -> Solved:
    whole = whole_cost(session.before, made.by, made.latency)
    try:
        searched = goals.promising(goal, made.curves, session.trials, whole)
    except TimeUpError:
        session.watch.leave_out(goals.SEARCH)
        searched = made.curves[:1]
    solved = [goals.solve(goal, one, session.trials, whole) for one in searched]
    return goals.better(goal, solved, session.trials)


def _nearest(session: Session, made: Curves, result: Conversion) -> str:
    """The two plans nearest to two goals that cannot both be met: each meets one of them."""
    quality, cost = session.settings.quality, session.settings.cost_goal
    if quality is None or cost is None:
        return ""
    other = _solved(session, made, cost)
    return nearest((quality, result), (cost, other))


def _curves(session: Session, wanted: Wanted) -> Curves | None:
    """Curves of plans, fitted and timed once for goal and frontier; None if a rank needs none."""
    if session.settings.goal.aim is Aim.RANK and not wanted.frontier:
        return None
    return curves(session.candidates.eligible, session.before, session.settings, session.trials)
