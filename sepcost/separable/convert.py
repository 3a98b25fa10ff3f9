"""The route of ``convert``: load, sort out, plan, carry out, verify, save."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from sepcost.errors import ConversionError
from sepcost.model.save import save
from sepcost.model.stamp import check_unchanged
from sepcost.separable.conversion import Conversion
from sepcost.separable.plan import goals
from sepcost.separable.plan.curves import Curves, curves
from sepcost.separable.plan.fixed_rank import ranked
from sepcost.separable.plan.frontier import frontier
from sepcost.separable.plan.goals import Found
from sepcost.separable.result import finished, nothing
from sepcost.separable.session import Session, prepared
from sepcost.separable.settings import Aim, ConvertSettings, OnProgress, Saving, Wanted, check

AGAIN = 2  # plans after the first, where the measured speed falls short of what the search saw


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
    _check_target(source, wanted)
    with threadpool_limits(limits=1, user_api="blas"):  # two wait for each other on busy cores
        return _converted(source, settings, wanted, tell)


def _converted(
    source: str | Path, settings: ConvertSettings, wanted: Wanted, tell: OnProgress
) -> Conversion:
    session = prepared(source, settings, wanted, tell)
    if not session.found.found:
        saving = settings.goal.aim in {Aim.MACS, Aim.SPEEDUP}
        return nothing(session, "no convolution can be converted", missed=saving)
    made = _curves(session, wanted)
    found, result = _carried_out(session, made)
    if wanted.frontier and made is not None:
        result = replace(result, frontier=frontier(made, session.before, session.trials))
    check_unchanged(session.loaded.stamps)
    written: tuple[Path, ...] = ()
    if wanted.target is not None and result.plan.choices and (not result.missed or wanted.force):
        tell("writing")
        written = save(found.trial.model, wanted.target, force=wanted.force)
    return replace(result, written=written)


def _check_target(source: str | Path, wanted: Wanted) -> None:
    """Say before the work what saving would say after it."""
    target = wanted.target
    if target is None:
        return
    if target.is_dir():
        raise ConversionError(f"{target}: is a directory; name a file in it")
    if not target.absolute().parent.is_dir():
        raise ConversionError(f"{target.parent}: no such directory; make it first")
    if not target.exists():
        return
    if not target.is_file():
        raise ConversionError(f"{target}: is no regular file, to be replaced; name another")
    if Path(source).exists() and target.samefile(source):
        raise ConversionError(f"{target}: is the input, which is never touched; name another")
    if not wanted.force:
        raise ConversionError(f"{target}: exists; give --force to replace it, or name another")


def _carried_out(session: Session, made: Curves | None) -> tuple[Found, Conversion]:
    """Plan and judge; again where the last measurement, the longest, finds the speed missed."""
    found = _planned(session, made)
    result = finished(session, found)
    for _ in range(AGAIN):
        slower = session.settings.goal.aim is Aim.SPEEDUP and result.missed and found.met
        if not (slower and result.speedup and found.measured):
            break
        session.tell(f"{result.speedup:.2f} times as fast in the end: planning again")
        session.trials.correction *= result.speedup / found.measured
        found = _planned(session, made)
        result = finished(session, found)
    return found, result


def _planned(session: Session, made: Curves | None) -> Found:
    """The selection that meets the goal best; a rank leaves nothing to choose."""
    settings, trials = session.settings, session.trials
    if settings.goal.aim is Aim.RANK or made is None:
        return ranked(session.found.found, settings, trials)
    whole = float(session.before.totals.macs) if made.by is Saving.MACS else made.latency
    solved = [goals.solve(settings.goal, one, trials, whole) for one in made.curves]
    return goals.better(settings.goal, solved, trials)


def _curves(session: Session, wanted: Wanted) -> Curves | None:
    """Menus that are fitted and timed once, for the goal and for the frontier; None for a rank."""
    if session.settings.goal.aim is Aim.RANK and not wanted.frontier:
        return None
    return curves(session.found.found, session.before, session.settings, session.trials)
