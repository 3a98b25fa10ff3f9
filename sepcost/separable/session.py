"""Everything one conversion works on: model, candidates, data and the original's outputs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from sepcost.cost import branches
from sepcost.cost.analysis import Analysis
from sepcost.cost.count import count
from sepcost.latency.hosts.place import require_ready
from sepcost.latency.jobs import Runtime
from sepcost.latency.machine import cores
from sepcost.latency.observe import observe
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.network import Network, Role
from sepcost.separable.data import calibrate
from sepcost.separable.data.samples import Calibration
from sepcost.separable.find.candidates import Candidate, Candidates, Skip, candidates
from sepcost.separable.find.context import Context, context
from sepcost.separable.plan.fitting import Fitter
from sepcost.separable.plan.trials import Trials
from sepcost.separable.quality.judge import COMPARED_ON
from sepcost.separable.references import NOTHING, references
from sepcost.separable.rewrite.padding import padded
from sepcost.separable.runs.branches import straightened
from sepcost.separable.settings import COUNTED, Aim, ConvertSettings, Wanted
from sepcost.separable.watch import IMPROVED, MEASURED, Watch

RUN_BYTES = 1 << 27  # of activations, if all of a run were kept
MOST_OUTPUTS = 8192  # of a dense layer that is fitted, as the covariance of more takes gigabytes
#: Why a convolution is left out that could be converted: by --only, and by --skip.
UNSELECTED = ("not matched by --only", "matched by --skip")


@dataclass(slots=True, eq=False)
class Session:
    """Everything one conversion works on."""

    settings: ConvertSettings
    wanted: Wanted
    watch: Watch
    loaded: Loaded
    before: Analysis
    candidates: Candidates
    fitter: Fitter
    trials: Trials
    inputs: str  # what outputs are compared on: calibration, given or random
    notes: list[str] = field(default_factory=list)


def open_session(
    source: str | Path, settings: ConvertSettings, wanted: Wanted, watch: Watch
) -> Session:
    """Read model and data, find the candidates, run the original once.

    Raises
    ------
    SepcostError
        The model or the data is at fault.
    TimeUpError
        The time is up before the original has run.
    """
    require_ready([settings.runtime.host])
    watch.tell("reading the model")
    loaded = load(source, weights=True)
    data, shape = _data(loaded, settings, wanted.shape)
    wanted = _observed(loaded, settings, replace(wanted, shape=shape), data)
    loaded, network, notes = _runnable(loaded, wanted)
    before = count(network, str(source))
    data = None if data is None else data.within(_rows(network))
    seen = _context(loaded, network, wanted, data)
    every = candidates(loaded, network, dense=settings.dense)
    selected = _selected(every, settings, network, seen)
    fit, held_out = data.split() if data else (None, None)
    inner = replace(settings, runtime=replace(Runtime(), threads=cores()))
    macs, improving = _macs(before, selected.eligible), watch.within(IMPROVED)
    fitter = Fitter(seen, inner, fit, improving, macs, selected.eligible)
    kind, judged_on, chosen_on = "random", NOTHING, NOTHING
    if selected.eligible and (data is not None or not _needs_no_run(settings, wanted.frontier)):
        made = references(loaded, network, inner, fit, held_out, watch=watch.within(MEASURED))
        kind, judged_on, chosen_on = made.kind, made.judged_on, made.chosen_on
        fitter.parts = chosen_on.parts
        notes += made.notes
    if selected.eligible and data is None:
        notes.append(_without_data(settings, kind if judged_on.batches else ""))
    trials = Trials(fitter, settings, judged_on, chosen_on, network.inputs, improving)
    return Session(settings, wanted, watch, loaded, before, selected, fitter, trials, kind, notes)


def _rows(network: Network) -> int:
    """Samples per run that keep all activations together within bounds."""
    moving = (one for one in network.values.values() if one.role is Role.ACTIVATION)
    return RUN_BYTES // max(1, sum(one.size_bytes or 0 for one in moving))


def _observed(
    loaded: Loaded, settings: ConvertSettings, wanted: Wanted, data: Calibration | None
) -> Wanted:
    """Run the model once for --observe: on the given inputs, a sample of the data, or at random."""
    if not wanted.observe:
        return wanted
    network = describe(loaded, **wanted.sizes)
    with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
        inputs = None if settings.inputs is None else Path(settings.inputs)
        if inputs is None and data is not None:
            inputs = Path(folder) / "sample.npz"
            arrays: dict[str, Any] = dict(next(data.batches(1)))
            np.savez(inputs, **arrays)
        return replace(wanted, observed=observe(loaded, network, inputs=inputs))


def _runnable(loaded: Loaded, wanted: Wanted) -> tuple[Loaded, Network, list[str]]:
    """The model as ONNX Runtime runs it, its description, and a note on what was changed."""
    network = describe(loaded, **wanted.sizes)
    loaded, count_ = padded(loaded, network)
    if not count_:
        return loaded, network, []
    what = f"{count_} dilated convolution{'s' * (count_ != 1)} with auto_pad SAME"
    words = f"{what}: written with explicit pads, as ONNX Runtime refuses the original"
    return loaded, describe(loaded, **wanted.sizes), [words]


def _context(loaded: Loaded, network: Network, wanted: Wanted, data: Calibration | None) -> Context:
    """The model to observe: Ifs whose branch the data determines are left out."""
    if data is None or not any(node.op_type == "If" for node in loaded.proto.graph.node):
        return context(loaded, network)
    straight = straightened(loaded, data, replace(Runtime(), threads=cores()))
    return context(loaded, describe(straight, **wanted.sizes), straight)


def _without_data(settings: ConvertSettings, inputs: str) -> str:
    """The note on a conversion without calibration data, run on ``inputs`` if on any."""
    errors = "errors are unknown because the model was not run"
    if inputs:
        errors = f"errors are measured on {COMPARED_ON[inputs]}s"
    if settings.random_init:
        return f"the new weights are random, and {errors}; train the model before using it"
    if settings.goal.aim is Aim.RANK and not settings.goal.value:
        return f"no calibration data: {errors}"
    return (
        f"no calibration data: factors come only from the weights, and {errors}; "
        "--calibrate DATA gives far smaller errors"
    )


def _needs_no_run(settings: ConvertSettings, frontier: bool) -> bool:
    """Whether the model need not be run: some models cannot run, and large ones take long."""
    exact = settings.goal.aim in {Aim.RANK, *COUNTED} and settings.calibrate is None
    return exact and not settings.verify and not frontier


def _data(
    loaded: Loaded, settings: ConvertSettings, shape: Mapping[str, Sequence[int]]
) -> tuple[Calibration | None, Mapping[str, Sequence[int]]]:
    """Open the calibration data; its shapes fill the sizes that the model does not fix."""
    if settings.calibrate is None:
        return None, shape
    inputs = calibrate.declared(loaded)
    data = calibrate.open_data(Path(settings.calibrate), inputs, settings.images)
    return data, {**(data.item or {}), **shape}


def _selected(
    every: Candidates, settings: ConvertSettings, network: Network, seen: Context
) -> Candidates:
    """Apply --only and --skip to names and ids; leave out branches that never run."""
    kept: list[Candidate] = []
    skips = list(every.skips)

    def matches(candidate: Candidate, globs: Iterable[str]) -> bool:
        names = (candidate.name, candidate.layer.node, candidate.id)
        return any(fnmatchcase(name, glob) for glob in globs for name in names)

    for one in every.eligible:
        reason = None
        if settings.only and not matches(one, settings.only):
            reason = UNSELECTED[0]
        elif matches(one, settings.skip):
            reason = UNSELECTED[1]
        elif settings.goal.aim is not Aim.RANK and not any(
            branches.may_run(layer, network.choices) for layer in one.layers
        ):
            reason = "is in a branch that never runs"
        elif settings.goal.aim is not Aim.RANK and one.id not in seen.places:
            reason = "is in a branch that the calibration data never takes"
        elif settings.calibrate and one.dense and one.dense.outputs > MOST_OUTPUTS:
            reason = f"more than {MOST_OUTPUTS:,} outputs, too many to fit to data"
        if reason is None:
            kept.append(one)
        else:
            skips.append(Skip(one.id, one.name, one.op_type, reason))
    return Candidates(tuple(kept), tuple(skips))


def _macs(analysis: Analysis, eligible: Sequence[Candidate]) -> dict[str, int]:
    rows = {row.layer.id: row.macs or 0 for row in analysis.rows}
    return {one.id: sum(rows[id_] for id_ in (one.id, *one.others)) for one in eligible}
