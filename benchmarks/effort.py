"""``sepcost convert`` against an earlier commit of itself: time, memory, and loss on unseen data.

Both convert the same networks to the same goals in interleaved rounds, each with an empty cache of
layer times, and without tuning, which the earlier commit does not know. It runs in an environment
of its own, with linear algebra on one thread, as it slows down a hundredfold on busy cores
otherwise. Where it is cut short, its time is a lower bound, and the ratio an upper one. The loss is
the mean over unseen samples of the divergence of the class probabilities.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import jobs
from benchmarks.environments import environment
from benchmarks.processes import process
from benchmarks.results import ROOT, Options, chosen, run, say, step
from benchmarks.rounds import Sample, compared, interleave

COMMIT = "0ffb426"
TRAINED = ROOT.parent / "shared" / "trained"
NOW, BEFORE = "now", "before"
KEYS = ("wall_s", "cpu_s", "peak_mb", "loss")
CUT_S = 360  # after which a conversion is cut short
#: Goals may be missed (exit code 1).
CUT = f'timeout {CUT_S} "$@"; code=$?; [ $code -le 1 ] || [ $code = 124 ]'
LEAST = 1e-9  # of a probability
SPIN = "while True: pass"


@dataclass(frozen=True, slots=True)
class Case:
    """A network with its data, and what is asked for."""

    goal: Sequence[str]
    data: str = ""  # names of the data in the folder of trained networks
    job: str = ""  # or a job of ``jobs`` with its model and data
    samples: int | None = None
    classes: bool = True  # whether the outputs are scores of classes
    busy: bool = False  # whether another process keeps a core busy


_FAST = ("--speedup", "2")
CASES: Mapping[str, Case] = {
    "digits": Case(_FAST, "digits"),
    "digits beside a busy process": Case(_FAST, "digits", busy=True),
    "vgg": Case(_FAST, "shapes"),
    "squeezenet": Case(("--speedup", "1.5"), job="squeezenet 0.7", samples=96),
    "yolov8n": Case(("--macs", "0.6"), job="yolov8n 0.6", samples=32, classes=False),
    "espcn": Case(_FAST, job="espcn 0.3", samples=32, classes=False),
}


@dataclass(frozen=True, slots=True)
class Files:
    """What is converted, what with, and what it is judged on."""

    model: Path
    calibration: Path
    unseen: Path


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="conversions per commit (3; quick: 1)")
    parser.add_argument("--only", default="", help=f"only these, of {', '.join(CASES)}")
    parser.add_argument("--commit", default=COMMIT, help=f"the earlier commit ({COMMIT})")
    run("effort", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Convert each network with both commits."""
    rounds = options.rounds or (1 if options.quick else 3)
    names = chosen(options.only or ("digits" if options.quick else ""), list(CASES))
    models = jobs.installed(folder) if any(CASES[name].job for name in names) else None
    with step(f"installing {options.commit}"):
        earlier = _earlier(options.commit, folder)
    tools = {NOW: Path(sys.executable).with_name("sepcost"), BEFORE: earlier / "sepcost"}
    networks = {}
    for name in names:
        files = _files(name, models, folder)
        if files is None:
            say(f"{name}: not found")
            continue
        sides = {
            tool: partial(_converted, CASES[name], tool, program, files, folder)
            for tool, program in tools.items()
        }
        with step(f"{name}: {rounds} rounds"), _company(CASES[name].busy):
            taken = interleave(sides, rounds, warm=False)
        networks[name] = compared(alike(taken), BEFORE) | {"goal": " ".join(CASES[name].goal)}
        say(table(name, networks[name]))
    return {"commit": options.commit, "cut_s": CUT_S, "networks": networks}


def _files(name: str, models: Path | None, folder: Path) -> Files | None:
    case = CASES[name]
    if models is None or not case.job:
        model = TRAINED / f"{name.split(maxsplit=1)[0]}.onnx"
        data = (TRAINED / f"{case.data}_{half}.npz" for half in ("calibration", "eval"))
        return Files(model, *data) if model.exists() else None
    job = jobs.JOBS[case.job]
    found = jobs.found(job, models, jobs.SHARED, folder)
    given = found and jobs.calibration(job, folder, case.samples)
    return Files(found, given, folder / f"{job.data}-unseen.npz") if found and given else None


@contextmanager
def _company(wanted: bool) -> Iterator[None]:
    """Keep a core busy."""
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", SPIN]) as other:
        try:
            yield
        finally:
            other.kill()


def alike(taken: Mapping[str, Sequence[Sample]]) -> Mapping[str, Sequence[Sample]]:
    """Only what all runs have: none that was cut short has a loss."""
    done = [set(one.values) for runs in taken.values() for one in runs if not one.failed]
    keys = set.intersection(*done) if done else set()
    return {
        side: [
            Sample({k: v for k, v in one.values.items() if k in keys}, one.failed) for one in runs
        ]
        for side, runs in taken.items()
    }


def _earlier(commit: str, folder: Path) -> Path:
    """Install a commit of this repository; return the environment's programs."""
    archive = subprocess.run(
        ["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout
    source = folder / "earlier"
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(source, filter="data")
    home, failed = environment(folder / "environment", (str(source),))
    if failed:
        raise SystemExit("; ".join(failed))
    return home


def _converted(case: Case, tool: str, program: Path, files: Files, folder: Path) -> Sample:
    """Convert once with an empty cache; add the loss to time and memory."""
    target = folder / f"{files.model.stem}-{tool}.onnx"
    home = folder / f"cache-{tool}-{len(list(folder.glob('cache-*')))}"
    home.mkdir()
    alone = ["PYTHONPATH", "OPENBLAS_NUM_THREADS=1"] if tool == BEFORE else ["OPENBLAS_NUM_THREADS"]
    options = ["--tune", "off"] if tool == NOW else []
    start = ["sh", "-c", CUT, "sh", "env", "-u", *alone, f"XDG_CACHE_HOME={home}", str(program)]
    options += ["--calibrate", str(files.calibration), "--threads", "1", "--force"]
    line = [*start, "convert", str(files.model), *case.goal, *options, "-o", str(target)]
    sample = process(line, folder)()
    if sample.failed or not target.exists():
        return sample
    values = {**sample.values}
    if case.classes:
        with np.load(files.unseen) as arrays:
            images = next(one for name, one in arrays.items() if name != "labels")
        before, after = (_scores(path, images.astype(np.float32)) for path in (files.model, target))
        values |= unseen(before, after)
    os.remove(target)
    return Sample(values)


def _scores(path: Path, images: NDArray[Any]) -> NDArray[Any]:
    import onnxruntime as ort

    session = ort.InferenceSession(str(path))
    (given,) = session.get_inputs()
    size = 1 if given.shape[0] == 1 else 64
    parts = [images[start : start + size] for start in range(0, len(images), size)]
    scores = np.concatenate([session.run(None, {given.name: one})[0] for one in parts])
    scores = scores.reshape(len(scores), -1)
    probabilities = scores.min() >= 0 and np.allclose(scores.sum(1), 1, atol=1e-3)
    return np.log(np.maximum(scores, LEAST)) if probabilities else scores


def unseen(before: NDArray[Any], after: NDArray[Any]) -> dict[str, float]:
    """Mean divergence of the class probabilities of two arrays of scores, and its standard error.

    Parameters
    ----------
    before, after
        [samples, classes], scores before the softmax.
    """
    logs = []
    for scores in (before.astype(np.float64), after.astype(np.float64)):
        moved = scores - scores.max(1, keepdims=True)
        logs.append(moved - np.log(np.exp(moved).sum(1, keepdims=True)))
    losses = (np.exp(logs[0]) * (logs[0] - logs[1])).sum(1)
    return {"loss": float(losses.mean()), "error": float(losses.std() / np.sqrt(len(losses)))}


def sides(measured: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sides that were measured."""
    return [measured[tool] for tool in (NOW, BEFORE) if "failed" not in measured[tool]]


def table(name: str, measured: Mapping[str, Any]) -> str:
    """Lay out time, memory and loss of both commits, and the ratios."""
    keys = [key for key in KEYS if all(key in side for side in sides(measured))]
    lines = [f"\n{name:12}{''.join(f'{key:>10}' for key in keys)}"]
    for tool in (NOW, BEFORE):
        side = measured[tool]
        if "failed" in side:
            lines.append(f"{tool:12}{side['failed']}")
            continue
        lines.append(f"{tool:12}{''.join(f'{side[key][1]:10.4g}' for key in keys)}")
        if tool == NOW and "ratios" in side:
            ratios = "".join(f"{side['ratios'][key][1]:10.3f}" for key in keys)
            lines.append(f"{'ratio':12}{ratios}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
