"""Every command on one third-party model, each result compared with a witness."""

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
from tests import profiled
from tests.strangers.conversion import BUDGET, FULL, converted
from tests.strangers.models import Stranger
from tests.strangers.outcome import LOCALE, ORDINARY, RARE, UNSIZED, UNSUITED, Outcome, refused
from tests.strangers.short import in_process
from tests.strangers.trial import Trial, WrongError, fed, said, shapes


def tried(stranger: Stranger) -> Outcome:
    """Run all commands on one model."""
    with TemporaryDirectory(prefix="strangers-") as folder:
        trial = Trial(stranger, Path(folder))
        words = {name: said(action, trial) for name, action in COMMANDS.items()}
    counts = {}
    if trial.analysis:
        totals = trial.analysis.totals
        counts = {
            "macs": str(totals.macs),
            "params": str(totals.params),
            "elementwise": str(totals.elementwise_ops),
        }
    return Outcome(stranger.name, **counts, **words)


def analyzed(trial: Trial) -> str:
    """Count the model, with the sizes of its inputs if needed."""
    words = []
    try:
        found = sepcost.analyze(trial.path)
    except SepcostError as error:
        words.append("sizes" if refused(error) == UNSIZED else refused(error))
        trial.sizes = trial.known
        found = sepcost.analyze(trial.path, **trial.sizes)
    json.dumps(found.to_dict(), allow_nan=False)
    trial.analysis = found
    return ", ".join([*words, *([] if found.coverage.complete else ["at least"])]) or ORDINARY


def witnessed(trial: Trial) -> str:
    """Compare the counts with the shapes that ONNX Runtime saw."""
    feeds = fed(trial)
    if isinstance(feeds, str):
        return feeds
    try:
        runs = profiled.profile(onnx.load(trial.path), dict(feeds), trial.folder)
    except pytest.skip.Exception as reason:
        return LOCALE if "locale" in str(reason) else "not loaded"
    except Exception as error:  # ONNX Runtime's own error class, unlike the others
        if "No corresponding Numpy type" in str(error):
            return RARE
        if "ONNXRuntimeError" in str(error):
            return "not run"
        raise
    found = trial.counted
    if not trial.sizes and shapes(feeds) != _shapes_of(found):
        found = sepcost.analyze(trial.path, shape=shapes(feeds))
    try:
        profiled.agree(found, runs)
    except AssertionError as error:
        raise WrongError(f"not the shapes of the run: {error}") from error
    return ORDINARY


def checked(trial: Trial) -> str:
    """A budget equal to the counts passes; one less of any count fails."""
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


def benched(trial: Trial) -> str:
    """Measure a time, with random inputs or with those that ONNX stores for it."""
    quick = partial(sepcost.Settings, max_time_s=0.01, min_launches=1, max_launches=1)
    with in_process(trial.folder):
        try:
            found = sepcost.bench(trial.path, settings=quick(), **trial.sizes)
            word = ORDINARY
        except SepcostError as error:
            if refused(error) != UNSUITED or not trial.given:
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
    """Arrays for an archive: rare types are widened, and the package narrows them again."""
    rare = isinstance(feed, np.ndarray) and feed.dtype.isbuiltin != 1 and feed.dtype.kind in "fV"
    return feed.astype(np.float32) if rare else feed


def _shapes_of(found: sepcost.Analysis) -> dict[str, tuple[int, ...] | None]:
    return {value.name: value.shape for value in found.network.inputs if value.dtype}


def _config(trial: Trial) -> Path:
    """A configuration that binds the model's dimensions."""
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
