"""One stranger through every command, each result held against a witness."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest

import sepcost
from sepcost.errors import SepcostError
from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.separable.activations import runner
from sepcost.separable.verify import OutputFidelity, compare
from tests import profiled
from tests.strangers.models import Feeds, Stranger
from tests.strangers.outcome import LOCALE, ORDINARY, WRONG, Outcome, flat, refused
from tests.strangers.short import in_process

FULL = sepcost.Goal(sepcost.Aim.RANK, 0)
BUDGET = sepcost.Goal(sepcost.Aim.MAX_ERROR, 0.02)

#: How far a result may lie from the original at full rank, by the weights' type.
ROUNDING = {"float16": 5e-3, "float32": 1e-5, "float64": 1e-12}
QUANTISED = 0.05  # new weights are rounded to eight bits, as the original's were
RARE = "rare type"  # numpy has none such
TIMES_NOISE = 30  # of what the original does when one bit of its inputs changes


class WrongError(Exception):
    """Neither right nor a clear refusal."""


class Trial:
    """One model under way: what is known of it so far."""

    def __init__(self, stranger: Stranger, folder: Path) -> None:
        self.folder = folder
        self.path = stranger.write(folder)
        self.given = stranger.feeds() if stranger.feeds else None
        self.verify = stranger.small
        self.known = stranger.sizes or {"shape": _shapes(self.given or {})}
        self.sizes: Mapping[str, Any] = {}  # those that the model needs
        self.analysis: sepcost.Analysis | None = None

    @property
    def counted(self) -> sepcost.Analysis:
        """The analysis; a model without one gets no further than its refusal."""
        return self.analysis or sepcost.analyze(self.path, **self.sizes)


def tried(
    stranger: Stranger, commands: Mapping[str, Callable[[Trial], str]] | None = None
) -> Outcome:
    """Take one model through all commands."""
    with TemporaryDirectory(prefix="strangers-") as folder:
        trial = Trial(stranger, Path(folder))
        words = {name: said(action, trial) for name, action in (commands or COMMANDS).items()}
    counts = {}
    if trial.analysis:
        totals = trial.analysis.totals
        counts = {
            "macs": str(totals.macs),
            "params": str(totals.params),
            "elementwise": str(totals.elementwise_ops),
        }
    return Outcome(stranger.name, **counts, **words)


def said(action: Callable[[Trial], str], trial: Trial) -> str:
    """What an action comes to: its own word, a refusal's, or what is wrong."""
    try:
        return action(trial)
    except SepcostError as error:
        return refused(error)
    except WrongError as error:
        return f"{WRONG} {flat(error)}"
    except Exception as error:
        return f"{WRONG} {type(error).__name__}: {flat(error)}"


def analyzed(trial: Trial) -> str:
    """Count it, where need be with the sizes of what it is fed."""
    words = []
    try:
        found = sepcost.analyze(trial.path)
    except SepcostError as error:
        words.append("sizes" if refused(error) == "unsized" else refused(error))
        trial.sizes = trial.known
        found = sepcost.analyze(trial.path, **trial.sizes)
    json.dumps(found.to_dict(), allow_nan=False)
    trial.analysis = found
    return ", ".join([*words, *([] if found.coverage.complete else ["at least"])]) or ORDINARY


def witnessed(trial: Trial) -> str:
    """Hold the counts against the shapes that ONNX Runtime saw."""
    feeds = _fed(trial)
    if isinstance(feeds, str):
        return feeds
    try:
        runs = profiled.profile(onnx.load(trial.path), dict(feeds), trial.folder)
    except pytest.skip.Exception as reason:
        return LOCALE if "locale" in str(reason) else "not loaded"
    except Exception as error:  # ONNX Runtime's own, of no common kind
        if "No corresponding Numpy type" in str(error):
            return RARE
        if "ONNXRuntimeError" in str(error):
            return "not run"
        raise
    found = trial.counted
    if not trial.sizes and _shapes(feeds) != _shapes_of(found):
        found = sepcost.analyze(trial.path, shape=_shapes(feeds))
    try:
        profiled.agree(found, runs)
    except AssertionError as error:
        raise WrongError(f"not the shapes of the run: {error}") from error
    return ORDINARY


def checked(trial: Trial) -> str:
    """A budget equal to the counts passes, and one less of each fails."""
    totals = trial.counted.totals
    counts = {
        "macs": totals.macs,
        "flops": totals.flops,
        "params": totals.params,
        "elementwise-ops": totals.elementwise_ops,
        "separable-macs": totals.separable_macs,
    }
    config = _config(trial)
    equal = sepcost.check(trial.path, config=config, budgets=counts)
    lenient = sepcost.check(trial.path, config=config, budgets=counts, allow_unknown=True)
    less = {name: count - 1 for name, count in counts.items() if count}
    if not lenient.ok or any(str(verdict.status) == "fail" for verdict in equal.verdicts):
        raise WrongError("a budget equal to the counts fails")
    if less:
        broken = sepcost.check(trial.path, config=config, budgets=less, allow_unknown=True)
        passed = [v.metric for v in broken.verdicts if str(v.status) != "fail"]
        if broken.ok or passed:
            raise WrongError(f"one less passes: {passed}")
    return ORDINARY if equal.ok else "unknown"


def converted(goal: sepcost.Goal, trial: Trial) -> str:
    """Convert it; what is written is sound, costs what was said and changes no more."""
    target = trial.folder / f"{goal.aim}.onnx"
    settings = sepcost.ConvertSettings(goal, verify=trial.verify, max_time_s=0.01, **trial.sizes)
    before = trial.path.read_bytes()
    with in_process(trial.folder):
        found = sepcost.convert(trial.path, target, settings=settings)
    json.dumps(found.to_dict(), allow_nan=False)
    if trial.path.read_bytes() != before:
        raise WrongError("the input was touched")
    if not found.plan.choices:
        if target.exists() or found.missed or not found.notes:
            raise WrongError("nothing was converted, and that is not what it says")
        return "kept" if any("its error" in note for note in found.notes) else ORDINARY
    if goal is BUDGET and not found.effect.relative_error <= goal.value:
        raise WrongError(f"the error is {found.effect.relative_error}")
    _sound(trial, target, found)
    with in_process(trial.folder):
        again = sepcost.convert(target, target.with_name("again.onnx"), settings=settings)
    if again.plan.choices:
        raise WrongError("a second conversion changes more")
    if goal is BUDGET:
        return "converted"
    return f"{len(found.plan.choices)}: {found.after.totals.macs}{_equal(trial, target, found)}"


def _sound(trial: Trial, target: Path, found: sepcost.Conversion) -> None:
    """ONNX takes it, names stay, and it costs what was promised."""
    if _valid(trial.path) and not _valid(target):
        raise WrongError("ONNX's checker takes the original and not the result")
    old, new = onnx.load(trial.path).graph, onnx.load(target).graph
    if _interface(old) != _interface(new):
        raise WrongError("inputs or outputs have other names")
    gone = {node.name for node in old.node} - {node.name for node in new.node}
    if not gone <= {choice.candidate.name for choice in found.plan.choices} | {""}:
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
    """Names of what is fed and of what comes out; before IR version 4 weights are inputs too."""
    held = {tensor.name for tensor in graph.initializer}
    fed = [value.name for value in graph.input if value.name not in held]
    return [fed, [value.name for value in graph.output]]


def _equal(trial: Trial, target: Path, found: sepcost.Conversion) -> str:
    """Compare outputs on what the model is fed; return what keeps them from being equal."""
    feeds = _fed(trial)
    if isinstance(feeds, str):
        return f", {feeds}"
    bound = max(
        QUANTISED if choice.candidate.quantized else ROUNDING[choice.candidate.dtype]
        for choice in found.plan.choices
    )
    outputs = compare(load(trial.path), load(target), feeds).outputs
    if all(_within(output, bound) for output in outputs):
        return ""
    noise = _noise(trial, feeds)
    for output in outputs:
        if not _within(output, max(bound, TIMES_NOISE * noise.get(output.name, 0.0))):
            raise WrongError(f"{output.name} is {output.relative_error} off at full rank")
    return ", but for rounding"


def _within(output: OutputFidelity, bound: float) -> bool:
    return not output.mismatched and (output.relative_error or 0.0) <= bound


def _noise(trial: Trial, feeds: Feeds) -> dict[str, float]:
    """How far the original's own outputs move when the last bit of its inputs does."""
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


def benched(trial: Trial) -> str:
    """A time, from random inputs or else from those that ONNX keeps for it."""
    quick = partial(sepcost.Settings, max_time_s=0.01, min_launches=1, max_launches=1)
    with in_process(trial.folder):
        try:
            found = sepcost.bench(trial.path, settings=quick(), **trial.sizes)
            word = ORDINARY
        except SepcostError as error:
            if refused(error) != "unsuited inputs" or not trial.given:
                raise
            archive = trial.folder / "given.npz"
            np.savez(archive, **{name: _plain(feed) for name, feed in trial.given.items()})
            found = sepcost.bench(trial.path, settings=quick(inputs=archive), **trial.sizes)
            word = "given"
    json.dumps(found.to_dict(), allow_nan=False)
    if not found.models[0].latency.estimate > 0:
        raise WrongError("it took no time")
    return word


def _plain(feed: Any) -> Any:
    """What an archive can hold: rare types widened, which the package narrows again."""
    rare = isinstance(feed, np.ndarray) and feed.dtype.isbuiltin != 1 and feed.dtype.kind in "fV"
    return feed.astype(np.float32) if rare else feed


def _fed(trial: Trial) -> Feeds | str:
    """What to run a model on, or why it cannot be run here."""
    if trial.given is None:
        try:
            feeds = profiled.random_feeds(trial.counted.network)
        except pytest.skip.Exception:
            return "no tensor"
        if "sr" in feeds:
            feeds["sr"][...] = 16000  # silero asks for it, and takes no other rate
        return feeds
    arrays = [feed for feed in trial.given.values() if isinstance(feed, np.ndarray)]
    if any(array.dtype.isbuiltin != 1 and array.dtype.kind not in "US" for array in arrays):
        return RARE
    return "empty input" if any(0 in array.shape for array in arrays) else trial.given


def _shapes(feeds: Feeds) -> dict[str, tuple[int, ...]]:
    return {name: feed.shape for name, feed in feeds.items() if isinstance(feed, np.ndarray)}


def _shapes_of(found: sepcost.Analysis) -> dict[str, tuple[int, ...] | None]:
    return {value.name: value.shape for value in found.network.inputs if value.dtype}


def _config(trial: Trial) -> Path:
    """A configuration that gives a model its sizes."""
    path = trial.folder / "sepcost.toml"
    lines = [f"{option} = {_inline(table)}" for option, table in trial.sizes.items()]
    path.write_text("\n".join(["[defaults]", *lines, ""]), encoding="utf-8")
    return path


def _inline(table: Mapping[str, Any]) -> str:
    pairs = (f"{json.dumps(name)} = {json.dumps(value)}" for name, value in table.items())
    return f"{{ {', '.join(pairs)} }}"


COMMANDS: Mapping[str, Callable[[Trial], str]] = {
    "analyze": analyzed,
    "runtime": witnessed,
    "check": checked,
    "full": partial(converted, FULL),
    "error": partial(converted, BUDGET),
    "bench": benched,
}
