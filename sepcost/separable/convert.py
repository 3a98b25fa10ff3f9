"""The route of ``convert``: load, sort out, plan, carry out, verify, save."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from sepcost.cost.analysis import Analysis
from sepcost.cost.count import count
from sepcost.errors import ConversionError
from sepcost.latency import measure
from sepcost.latency.inputs import feeds as make_feeds
from sepcost.latency.jobs import Runtime
from sepcost.latency.machine import cores
from sepcost.latency.results import Bench
from sepcost.latency.settings import Settings
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.model.save import save
from sepcost.network import Value
from sepcost.separable import calibrate, goals
from sepcost.separable.activations import runner
from sepcost.separable.calibrate import HELD, Calibration
from sepcost.separable.candidates import Candidate, Candidates, Skip, candidates
from sepcost.separable.context import context
from sepcost.separable.curves import curves
from sepcost.separable.effect import Effect, Feeds, Reference, is_classes, reference
from sepcost.separable.fitting import Fitter
from sepcost.separable.frontier import FrontierPoint, frontier
from sepcost.separable.goals import Found
from sepcost.separable.plan import Forecast, Plan
from sepcost.separable.ranked import ranked
from sepcost.separable.settings import Aim, By, ConvertSettings, OnProgress, check
from sepcost.separable.trials import Trials, on_disk
from sepcost.separable.verify import Fidelity, compare

RANDOM_BATCHES = 4
HELD_FOR_DROP = 4  # one sample in so many takes no part in the fit, where a drop is estimated
JUDGED = 2048  # calibration samples that a plan is judged on, at most
JUDGED_BYTES = 1 << 28


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """What became of a model: promised against measured, and what was written."""

    source: str
    plan: Plan
    before: Analysis
    after: Analysis
    inputs: str  # what it was judged on: calibration, given or random
    effect: Effect
    fidelity: Fidelity | None = None  # None where it was not verified
    latency: Bench | None = None
    measured: float | None = None  # of what the goal limits
    missed: str | None = None  # why the goal is not met
    written: tuple[Path, ...] = ()
    frontier: tuple[FrontierPoint, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def speedup(self) -> float | None:
        """How many times faster than the original, measured."""
        if self.latency is None or not self.latency.comparisons:
            return None
        return 1 / self.latency.comparisons[0].ratio.estimate

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document ``sepcost/convert/1``."""
        from sepcost.separable.document import document  # noqa: PLC0415  (it reads this module)

        return document(self)


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
    _check_target(source, wanted)
    job = _prepared(source, settings, tell, wanted.frontier)
    if not job.found.found:
        return _nothing(job, "no convolution can be converted")
    found = _planned(job)
    result = _judged(job, found)
    if wanted.frontier:
        result = replace(result, frontier=_frontier(job))
    written: tuple[Path, ...] = ()
    if wanted.target is not None and result.plan.choices and (not result.missed or wanted.force):
        tell("writing")
        written = save(found.trial.model, wanted.target, force=wanted.force)
    return replace(result, written=written)


@dataclass(slots=True, eq=False)
class _Job:
    """One conversion under way."""

    settings: ConvertSettings
    tell: OnProgress
    loaded: Loaded
    before: Analysis
    found: Candidates
    fitter: Fitter
    trials: Trials
    inputs: str
    notes: list[str] = field(default_factory=list)

    @property
    def macs(self) -> dict[str, int]:
        return dict(self.fitter.macs)


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
    if Path(source).exists() and target.samefile(source):
        raise ConversionError(f"{target}: is the input, which is never touched; name another")
    if not wanted.force:
        raise ConversionError(f"{target}: exists; give --force to replace it, or name another")


def _prepared(
    source: str | Path, settings: ConvertSettings, tell: OnProgress, frontier: bool = False
) -> _Job:
    tell("reading the model")
    loaded = load(source, weights=True)
    data, shape = _data(loaded, settings)
    network = describe(loaded, bind=settings.bind, shape=shape)
    before = count(network, str(source))
    found = _selected(candidates(loaded, network), settings)
    by_drop = settings.goal.aim is Aim.MAX_DROP
    fit, judge = data.split(HELD_FOR_DROP if by_drop else HELD) if data else (None, None)
    inner = replace(settings, runtime=replace(Runtime(), threads=cores()))
    macs = _macs(before, found.found)
    fitter = Fitter(context(loaded, network), inner, fit, tell, macs)
    tell("running the original")
    kind, beside = (
        ("random", Reference((), ()))
        if _unseen(settings, frontier)
        else _beside(loaded, network.inputs, inner, judge)
    )
    _check_labels(settings, beside)
    weigh = beside if data is None else _beside(loaded, network.inputs, inner, data)[1]
    trials = Trials(fitter, settings, beside, weigh, network.inputs, tell)
    job = _Job(settings, tell, loaded, before, found, fitter, trials, kind)
    if data is None:
        job.notes.append(_blind(kind, seen=bool(beside.batches)))
    return job


def _blind(kind: str, *, seen: bool) -> str:
    """Say what is not known without data."""
    errors = f"errors are those on {'the given' if kind == 'given' else 'random'} inputs"
    return (
        "no calibration data: factors come from the weights alone, and "
        f"{errors if seen else 'nothing was run to see what that does'}; "
        "--calibrate does far better"
    )


def _unseen(settings: ConvertSettings, frontier: bool) -> bool:
    """Whether nothing has to be run: some models cannot be, and large ones take their time."""
    exact = settings.goal.aim in {Aim.RANK, Aim.MACS} and settings.calibrate is None
    return exact and not settings.verify and not frontier


def _check_labels(settings: ConvertSettings, beside: Reference) -> None:
    """Refuse to look for a drop of top-1 where there is none to be seen."""
    if settings.goal.aim is not Aim.MAX_DROP:
        return
    if beside.labels is None:
        raise ConversionError(f"{settings.calibrate}: --max-drop needs labels beside the inputs")
    if not any(is_classes(answer) for answer in beside.answers[0]):
        raise ConversionError("--max-drop: no output of the model is [N, classes]")


def _data(
    loaded: Loaded, settings: ConvertSettings
) -> tuple[Calibration | None, Mapping[str, Sequence[int]]]:
    """Open the calibration data; they also say the sizes that the model leaves open."""
    if settings.calibrate is None:
        return None, settings.shape
    inputs = calibrate.declared(loaded)
    data = calibrate.open_data(settings.calibrate, inputs, settings.images)
    return data, {**(data.item or {}), **settings.shape}


def _selected(found: Candidates, settings: ConvertSettings) -> Candidates:
    """Apply --only and --skip to names and ids."""
    kept: list[Candidate] = []
    skips = list(found.skips)

    def matches(candidate: Candidate, globs: Iterable[str]) -> bool:
        names = (candidate.name, candidate.id)
        return any(fnmatchcase(name, glob) for glob in globs for name in names)

    for one in found.found:
        reason = None
        if settings.only and not matches(one, settings.only):
            reason = "not named by --only"
        elif matches(one, settings.skip):
            reason = "named by --skip"
        if reason is None:
            kept.append(one)
        else:
            skips.append(Skip(one.id, one.name, one.op_type, reason))
    return Candidates(tuple(kept), tuple(skips))


def _macs(analysis: Analysis, found: Sequence[Candidate]) -> dict[str, int]:
    rows = {row.layer.id: row.macs or 0 for row in analysis.rows}
    return {one.id: sum(rows[id_] for id_ in (one.id, *one.others)) for one in found}


def _beside(
    loaded: Loaded, inputs: tuple[Value, ...], settings: ConvertSettings, judge: Calibration | None
) -> tuple[str, Reference]:
    """Run the original on what it will be compared on."""
    run = runner(loaded, settings.runtime)
    if judge is not None:
        limit = max(1, min(JUDGED, JUDGED_BYTES // max(1, judge.sample_bytes)))
        return "calibration", reference(run, judge.batches(limit), judge.known(limit))
    if settings.inputs is not None:
        given, _ = make_feeds(inputs, settings.inputs, settings.seed)
        return "given", reference(run, [given])
    return "random", reference(run, [_gaussian(inputs, k) for k in range(RANDOM_BATCHES)])


def _gaussian(inputs: tuple[Value, ...], seed: int) -> Feeds:
    """Standard normal numbers where the model takes floats, else what ``bench`` feeds."""
    arrays, _ = make_feeds(inputs, None, seed)
    random = np.random.default_rng(seed)
    return {
        name: np.asarray(random.standard_normal(a.shape), a.dtype) if a.dtype.kind == "f" else a
        for name, a in arrays.items()
    }


def _planned(job: _Job) -> Found:
    """The selection that meets the goal best."""
    settings = job.settings
    if settings.goal.aim is Aim.RANK:
        return ranked(job.found.found, settings, job.trials)
    made = curves(job.found.found, job.before, settings, job.trials)
    whole = float(job.before.totals.macs) if made.by is By.MACS else made.latency
    solved = [goals.solve(settings.goal, one, job.trials, whole) for one in made.curves]
    return goals.better(settings.goal, solved, job.trials)


def _judged(job: _Job, found: Found) -> Conversion:
    """Verify the result and put everything beside what was promised."""
    choices = found.trial.choices
    if not choices:
        return _nothing(job, "no replacement is worth its error", missed=not found.met)
    settings, model = job.settings, found.trial.model
    after = count(describe(model, bind=settings.bind, shape=_shapes(job)), job.before.source)
    fidelity = bench = None
    if settings.verify:
        job.tell("verifying")
        fidelity = compare(job.loaded, model, job.trials.beside.batches)
        bench = _latency(job, model)
    plan = Plan(
        settings.goal,
        choices,
        (*job.found.skips, *_left(job, found)),
        _forecast(job, found),
        found.curve.allocation,
    )
    result = Conversion(
        job.before.source,
        plan,
        job.before,
        after,
        job.inputs,
        found.trial.effect,
        fidelity,
        bench,
        found.measured,
        notes=tuple(job.notes),
    )
    return replace(result, missed=_missed(result, found))


def _shapes(job: _Job) -> Mapping[str, Sequence[int]]:
    return {value.name: value.shape or () for value in job.before.network.inputs}


def _left(job: _Job, found: Found) -> list[Skip]:
    chosen = {choice.candidate.id for choice in found.trial.choices}
    menus = {menu.candidate.id: menu for menu in found.curve.menus}
    left = []
    for one in job.found.found:
        if one.id not in chosen:
            offers = len(menus[one.id].options) > 1 if one.id in menus else True
            reason = "costs its error more than it saves" if offers else "nothing pays"
            left.append(Skip(one.id, one.name, one.op_type, reason))
    return left


def _forecast(job: _Job, found: Found) -> Forecast:
    counted = {row.layer.id for row in job.before.rows if row.counted}
    saved = sum(
        c.macs_before - c.macs_after for c in found.trial.choices if c.candidate.id in counted
    )
    macs = job.before.totals.macs - saved
    point = found.curve.points[found.place] if found.curve.points else None
    if point is None:
        return Forecast(macs)
    return Forecast(macs, point.loss, found.ns, found.predicted_speedup)


def _latency(job: _Job, model: Loaded) -> Bench:
    """Measure the original and the result in turns, as ``bench`` does."""
    job.tell("measuring the latency")
    asked = job.settings.runtime
    settings = Settings(
        providers=asked.providers,
        provider_options=asked.provider_options,
        session_options=asked.session_options,
        threads=asked.threads,
        max_time_s=job.settings.max_time_s,
    )
    with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
        values = job.before.network.inputs
        names = ("original", "converted")
        files = [
            replace(on_disk(one, Path(folder) / f"{name}.onnx", values), name=name)
            for name, one in zip(names, (job.loaded, model), strict=True)
        ]
        return measure.bench(files, settings)


def _missed(result: Conversion, found: Found) -> str | None:
    """Say what the goal asked and what was reached, where that is less."""
    goal = result.plan.goal
    if goal.aim is Aim.RANK:
        return None
    reached, met = found.measured, found.met
    if goal.aim is Aim.SPEEDUP and result.speedup is not None:
        reached = result.speedup
        met = reached >= goal.value
    if met:
        return None
    shown = "nothing" if reached is None else format(reached, ".3g")
    return f"the goal {goal.words} is missed: {shown} is the best that was reached"


def _nothing(job: _Job, why: str, *, missed: bool = False) -> Conversion:
    """The model stays as it is, and the result says why."""
    goal = job.settings.goal
    plan = Plan(goal, (), job.found.skips, Forecast(job.before.totals.macs, 0.0))
    words = f"the goal {goal.words} is missed: {why}" if missed else None
    return Conversion(
        job.before.source,
        plan,
        job.before,
        job.before,
        job.inputs,
        Effect(None, 0.0, batches=1),
        missed=words,
        notes=(*job.notes, f"nothing worth converting: {why}"),
    )


def _frontier(job: _Job) -> tuple[FrontierPoint, ...]:
    made = curves(job.found.found, job.before, job.settings, job.trials)
    return frontier(made, job.before, job.trials)
