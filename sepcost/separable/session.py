"""One conversion under way: the model, its candidates, the data, the original's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from sepcost.cost import branches
from sepcost.cost.analysis import Analysis
from sepcost.cost.count import count
from sepcost.errors import ConversionError
from sepcost.latency.inputs import feeds as make_feeds
from sepcost.latency.jobs import Runtime
from sepcost.latency.machine import cores
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.network import Network, Value
from sepcost.separable.data import calibrate
from sepcost.separable.data.samples import HELD, Calibration, Feeds
from sepcost.separable.find.candidates import Candidate, Candidates, Skip, candidates
from sepcost.separable.find.context import context
from sepcost.separable.plan.fitting import Fitter
from sepcost.separable.plan.trials import Trials
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Reference, is_classes, reference
from sepcost.separable.settings import Aim, ConvertSettings, OnProgress, Wanted

RANDOM_BATCHES = 4
HELD_FOR_DROP = 4  # one sample in so many takes no part in the fit, where a drop is estimated
JUDGED = 2048  # calibration samples that a plan is judged on, at most
JUDGED_BYTES = 1 << 28
NOTHING = Reference((), ())  # of a model that need not be run, and perhaps cannot be


@dataclass(slots=True, eq=False)
class Session:
    """One conversion under way."""

    settings: ConvertSettings
    wanted: Wanted
    tell: OnProgress
    loaded: Loaded
    before: Analysis
    found: Candidates
    fitter: Fitter
    trials: Trials
    inputs: str
    notes: list[str] = field(default_factory=list)


def prepared(
    source: str | Path, settings: ConvertSettings, wanted: Wanted, tell: OnProgress
) -> Session:
    """Read the model and the data, sort the convolutions, run the original once.

    Raises
    ------
    SepcostError
        Where the model or the data is at fault.
    """
    tell("reading the model")
    loaded = load(source, weights=True)
    data, shape = _data(loaded, settings, wanted.shape)
    wanted = replace(wanted, shape=shape)
    network = describe(loaded, bind=wanted.bind, shape=shape)
    before = count(network, str(source))
    found = _selected(candidates(loaded, network), settings, network)
    by_drop = settings.goal.aim is Aim.MAX_DROP
    fit, judge = data.split(HELD_FOR_DROP if by_drop else HELD) if data else (None, None)
    inner = replace(settings, runtime=replace(Runtime(), threads=cores()))
    macs = _macs(before, found.found)
    fitter = Fitter(context(loaded, network), inner, fit, tell, macs, found.found)
    kind, beside = "random", NOTHING
    if found.found and not _unseen(settings, wanted.frontier):
        tell("running the original")
        kind, beside = _beside(loaded, network.inputs, inner, judge)
    weigh = beside
    if found.found and data is not None:
        _check_labels(settings, beside)
        weigh = _beside(loaded, network.inputs, inner, data)[1]
    trials = Trials(fitter, settings, beside, weigh, network.inputs, tell)
    session = Session(settings, wanted, tell, loaded, before, found, fitter, trials, kind)
    if found.found and data is None:
        session.notes.append(_blind(kind, seen=bool(beside.batches)))
    return session


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
    loaded: Loaded, settings: ConvertSettings, shape: Mapping[str, Sequence[int]]
) -> tuple[Calibration | None, Mapping[str, Sequence[int]]]:
    """Open the calibration data; they also say the sizes that the model leaves open."""
    if settings.calibrate is None:
        return None, shape
    inputs = calibrate.declared(loaded)
    data = calibrate.open_data(Path(settings.calibrate), inputs, settings.images)
    return data, {**(data.item or {}), **shape}


def _selected(found: Candidates, settings: ConvertSettings, network: Network) -> Candidates:
    """Apply --only and --skip to names and ids; a goal gains nothing where nothing runs."""
    kept: list[Candidate] = []
    skips = list(found.skips)

    def matches(candidate: Candidate, globs: Iterable[str]) -> bool:
        names = (candidate.name, candidate.id)
        return any(fnmatchcase(name, glob) for glob in globs for name in names)

    for one in found.found:
        reason = None
        if settings.only and not matches(one, settings.only):
            reason = "not matched by --only"
        elif matches(one, settings.skip):
            reason = "matched by --skip"
        elif settings.goal.aim is not Aim.RANK and not any(
            branches.may_run(layer, network.choices) for layer in one.layers
        ):
            reason = "stands in a branch that never runs"
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
        given, _ = make_feeds(inputs, Path(settings.inputs), settings.seed)
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
