"""A converted third-party model, compared with the original and with the promised costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx

import sepcost
from sepcost.errors import SepcostError
from sepcost.latency.inputs import random_inputs
from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.separable.runs.activations import runner
from sepcost.separable.verify import OutputFidelity, compare
from tests.strangers.models import Feeds
from tests.strangers.outcome import ORDINARY, refused
from tests.strangers.short import in_process
from tests.strangers.trial import Trial, WrongError, fed

FULL = sepcost.Goal(sepcost.Aim.RANK, 0)
BUDGET = sepcost.Goal(sepcost.Aim.MAX_ERROR, 0.02)

#: Allowed deviation from the original at full rank, by type of the weights.
ROUNDING = {"float16": 5e-3, "float32": 1e-5, "float64": 1e-12}
QUANTISED = 0.05  # new weights are rounded to eight bits, like the original ones
TIMES_NOISE = 30  # relative to the change of the original's outputs when one input bit changes
OTHER_INPUTS = 2  # factor by which the error may exceed the goal on held-out inputs
SEED = 77


def converted(goal: sepcost.Goal, trial: Trial) -> str:
    """Convert the model; the result is valid, has the promised costs and is stable."""
    target = trial.folder / f"{goal.aim}.onnx"
    settings = sepcost.ConvertSettings(goal, verify=trial.verify, latency_time_s=0.01)
    before = trial.path.read_bytes()
    with in_process(trial.folder):
        found = sepcost.convert(trial.path, target, settings=settings, force=True, **trial.sizes)
    json.dumps(found.to_dict(), allow_nan=False)
    if trial.path.read_bytes() != before:
        raise WrongError("the input was touched")
    if not found.plan.choices:
        if target.exists() or "nothing was converted" not in (found.missed or ""):
            raise WrongError("nothing was converted, and that is not what it says")
        return "kept" if any("loses too much" in note for note in found.notes) else ORDINARY
    _sound(trial, target, found)
    with in_process(trial.folder):
        again = sepcost.convert(
            target, target.with_name("again.onnx"), settings=settings, **trial.sizes
        )
    if again.plan.choices:
        raise WrongError("a second conversion changes more")
    if goal is BUDGET and (found.missed or "").startswith("goal"):
        return "not shown"
    if goal is BUDGET:
        _within_budget(trial, target, found)
        return "converted"
    return f"{len(found.plan.choices)}: {found.after.totals.macs}{_equal(trial, target, found)}"


def _sound(trial: Trial, target: Path, found: sepcost.Conversion) -> None:
    """The result is valid ONNX, keeps its names and has the promised costs."""
    if _valid(trial.path) and not _valid(target):
        raise WrongError("ONNX's checker takes the original and not the result")
    old, new = onnx.load(trial.path).graph, onnx.load(target).graph
    if _interface(old) != _interface(new):
        raise WrongError("inputs or outputs have other names")
    gone = {node.name for node in old.node} - {node.name for node in new.node}
    if not gone <= {choice.candidate.layer.node for choice in found.plan.choices} | {""}:
        raise WrongError(f"nodes are gone: {sorted(gone)}")
    written = sepcost.analyze(target, **trial.sizes).totals.macs
    if not written == found.after.totals.macs == found.plan.predicted.macs:
        raise WrongError(f"{found.plan.predicted.macs} MACs were promised, and it takes {written}")


def _valid(path: Path) -> bool:
    try:
        onnx.checker.check_model(path, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return False
    return True


def _interface(graph: onnx.GraphProto) -> list[list[str]]:
    """Names of inputs and outputs; before IR version 4, weights are inputs too."""
    held = {tensor.name for tensor in graph.initializer}
    fed = [value.name for value in graph.input if value.name not in held]
    return [fed, [value.name for value in graph.output]]


def _equal(trial: Trial, target: Path, found: sepcost.Conversion) -> str:
    """Compare outputs on the model's inputs; return the reason if they differ."""
    feeds = fed(trial)
    if isinstance(feeds, str):
        return f", {feeds}"
    bound = max(
        QUANTISED if choice.candidate.quantized else ROUNDING[choice.candidate.dtype]
        for choice in found.plan.choices
    )
    try:
        outputs = compare(load(trial.path), load(target), feeds).outputs
    except SepcostError as error:
        return f", {refused(error)}"
    if all(_within(output, bound) for output in outputs):
        return ""
    noise = _noise(trial, feeds)
    for output in outputs:
        if not _within(output, max(bound, TIMES_NOISE * noise.get(output.name, 0.0))):
            raise WrongError(f"{output.name} is {output.relative_error} off at full rank")
    return ", but for rounding"


def _within_budget(trial: Trial, target: Path, found: sepcost.Conversion) -> None:
    """The error is within the goal, also on held-out inputs."""
    inputs, _ = random_inputs(found.before.network.inputs, SEED)
    random = np.random.default_rng(SEED)
    feeds = {
        name: np.asarray(random.standard_normal(x.shape), x.dtype) if x.dtype.kind == "f" else x
        for name, x in inputs.items()
    }
    error = compare(load(trial.path), load(target), feeds).relative_error
    if not found.effect.relative_error <= BUDGET.value:
        raise WrongError(f"its own error is {found.effect.relative_error}")
    if error is None or error > OTHER_INPUTS * BUDGET.value:
        raise WrongError(f"the error is {error} on other inputs")


def _within(output: OutputFidelity, bound: float) -> bool:
    return not output.mismatched and (output.relative_error or 0.0) <= bound


def _noise(trial: Trial, feeds: Feeds) -> dict[str, float]:
    """How far the original's outputs move when the last bit of its inputs changes."""
    original = load(trial.path)
    run = runner(original, Runtime())
    nudged = {
        name: np.nextafter(x, np.inf, dtype=x.dtype) if x.dtype.kind == "f" else x
        for name, x in feeds.items()
    }
    names = [output.name for output in original.proto.graph.output]
    return {
        name: float(np.linalg.norm(a - b) / (np.linalg.norm(a) or 1.0))
        for name, a, b in zip(names, run(feeds), run(nudged), strict=True)
        if isinstance(a, np.ndarray) and a.dtype.kind == "f"
    }
