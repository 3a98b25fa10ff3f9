"""The route of ``convert``: load, sort out, plan, carry out, verify, save."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sepcost.model.save import check_target, save
from sepcost.model.stamp import check_unchanged
from sepcost.separable.conversion import Conversion
from sepcost.separable.plan import goals
from sepcost.separable.plan.curves import Curves, curves
from sepcost.separable.plan.fixed_rank import ranked
from sepcost.separable.plan.frontier import frontier
from sepcost.separable.plan.goals import Found
from sepcost.separable.result import judged, nothing
from sepcost.separable.session import Job, prepared
from sepcost.separable.settings import Aim, By, ConvertSettings, OnProgress, check

AGAIN = 2  # plans after the first, where the measured speed falls short of what the search saw


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done with the result."""

    target: Path | None = None  # None: a dry run
    force: bool = False
    frontier: bool = False


def convert(
    source: str | Path,
    settings: ConvertSettings,
    wanted: Wanted,
    tell: OnProgress = lambda _: None,
) -> Conversion:
    """Convert a model as the settings ask, and write it where the goal is met.

    Parameters
    ----------
    source
        Whatever ``sepcost.model.load`` takes.
    settings
        The goal and the method.
    wanted
        Where to write, whether over a file or a missed goal, whether to draw the frontier.
    tell
        Says what goes on.

    Raises
    ------
    SepcostError
        Where the source, the data or the target is at fault; nothing is written then.
    """
    check(settings)
    if wanted.target is not None:
        check_target(wanted.target, [Path(source)], force=wanted.force)
    job = prepared(source, settings, tell, wanted.frontier)
    if not job.found.found:
        saving = settings.goal.aim in {Aim.MACS, Aim.SPEEDUP}
        return nothing(job, "no convolution can be converted", missed=saving)
    made = _curves(job, wanted)
    found, result = _carried_out(job, made)
    if wanted.frontier and made is not None:
        result = replace(result, frontier=frontier(made, job.before, job.trials))
    check_unchanged(job.loaded.stamps)
    written: tuple[Path, ...] = ()
    if wanted.target is not None and result.plan.choices and (not result.missed or wanted.force):
        tell("writing")
        written = save(found.trial.model, wanted.target, force=wanted.force)
    return replace(result, written=written)


def _carried_out(job: Job, made: Curves | None) -> tuple[Found, Conversion]:
    """Plan and judge; again where the last measurement, the longest, finds the speed missed."""
    found = _planned(job, made)
    result = judged(job, found)
    for _ in range(AGAIN):
        slower = job.settings.goal.aim is Aim.SPEEDUP and result.missed and found.met
        if not (slower and result.speedup and found.measured):
            break
        job.tell(f"{result.speedup:.2f} times as fast in the end: planning again")
        job.trials.correction *= result.speedup / found.measured
        found = _planned(job, made)
        result = judged(job, found)
    return found, result


def _planned(job: Job, made: Curves | None) -> Found:
    """The selection that meets the goal best; a rank leaves nothing to choose."""
    settings, trials = job.settings, job.trials
    if settings.goal.aim is Aim.RANK or made is None:
        return ranked(job.found.found, settings, trials)
    whole = float(job.before.totals.macs) if made.by is By.MACS else made.latency
    solved = [goals.solve(settings.goal, one, trials, whole) for one in made.curves]
    return goals.better(settings.goal, solved, trials)


def _curves(job: Job, wanted: Wanted) -> Curves | None:
    """Menus that are fitted and timed once, for the goal and for the frontier; None for a rank."""
    if job.settings.goal.aim is Aim.RANK and not wanted.frontier:
        return None
    return curves(job.found.found, job.before, job.settings, job.trials)
