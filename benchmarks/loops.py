"""The alternatives to ``sepcost bench``: time one model, then the other, and divide.

Each function takes two models and returns the ratio b / a with the interval that the method itself
gives.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from math import exp, log, sqrt
from pathlib import Path
from statistics import fmean, median, stdev
from time import monotonic, perf_counter_ns
from typing import NamedTuple

import numpy as np

from sepcost.latency.jobs import ModelFile

TRUTH_RUNS = 2000
TRUTH_S = 30.0
LOOP_RUNS = 300
HYPERFINE_RUNS = 10
NORMAL = 1.96
WORKLOAD = """
import sys, time, json
import numpy as np, onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(sys.argv[1], options)
(x,) = session.get_inputs()
feed = {x.name: np.random.default_rng(0).random(x.shape, np.float32)}
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter_ns()
    session.run(None, feed)
    times.append(time.perf_counter_ns() - start)
print(json.dumps(times))
"""


class Ratio(NamedTuple):
    """Model b over model a, with the method's own 95% interval."""

    estimate: float
    low: float
    high: float


def two_loops(a: ModelFile, b: ModelFile) -> Ratio:
    """Run one loop per model in its own process; medians, and an interval over single runs."""
    sides = [_loop(model) for model in (a, b)]
    middle = median(sides[1]) / median(sides[0])
    logs = [[log(t) for t in times] for times in sides]
    error = sqrt(sum(stdev(times) ** 2 / len(times) for times in logs))
    return Ratio(middle, middle * exp(-NORMAL * error), middle * exp(NORMAL * error))


def _loop(model: ModelFile) -> list[int]:
    done = subprocess.run(_command(model, LOOP_RUNS), stdout=subprocess.PIPE, check=True)
    times: list[int] = json.loads(done.stdout)
    return times[LOOP_RUNS // 10 :]


def _command(model: ModelFile, runs: int) -> list[str]:
    return [sys.executable, "-c", WORKLOAD, str(model.path), str(runs)]


def hyperfine(program: Path, a: ModelFile, b: ModelFile, folder: Path) -> Ratio:
    """Let hyperfine time whole processes that load a model and run it; means and deviations."""
    script, out = folder / "workload.py", folder / "hyperfine.json"
    script.write_text(WORKLOAD, encoding="utf-8")
    lines = [f"{sys.executable} {script} {model.path} {LOOP_RUNS}" for model in (a, b)]
    subprocess.run(
        [str(program), "-N", "--style", "none", "--warmup", "1", "--runs", str(HYPERFINE_RUNS),
         "--export-json", str(out), *lines],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    sides: Sequence[dict[str, float]] = json.loads(out.read_text(encoding="utf-8"))["results"]
    ratio = sides[1]["mean"] / sides[0]["mean"]
    errors = [side["stddev"] / side["mean"] / sqrt(HYPERFINE_RUNS) for side in sides]
    width = NORMAL * sqrt(fmean(error**2 for error in errors) * 2)
    return Ratio(ratio, ratio * exp(-width), ratio * exp(width))


def truth(a: ModelFile, b: ModelFile) -> float:
    """Return the ratio b / a of the fastest runs, alternating in one process on an idle machine.

    The first run of each turn finds the other model's data in the caches and is left out.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    shape = a.inputs[0].shape or ()
    feed = {"x": np.random.default_rng(0).random(shape, np.float32)}
    sides = [(ort.InferenceSession(str(m.path), options), list[int]()) for m in (a, b)]
    started = monotonic()
    while len(sides[0][1]) < TRUTH_RUNS and monotonic() - started < TRUTH_S:
        for session, times in sides:
            for number in range(6):
                start = perf_counter_ns()
                session.run(None, feed)
                if number:
                    times.append(perf_counter_ns() - start)
    quick = [float(np.percentile(times, 5)) for _, times in sides]
    return quick[1] / quick[0]
