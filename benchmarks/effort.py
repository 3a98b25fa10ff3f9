"""``sepcost convert`` against an earlier commit of itself: time, memory, and loss on unseen data.

Both convert the same networks to the same goals in interleaved rounds, each with an empty cache of
layer times. The earlier commit runs in an environment of its own, with linear algebra on one
thread, as it slows down a hundredfold on busy cores otherwise. The loss is the mean over unseen
samples of the divergence of the class probabilities.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.environments import environment
from benchmarks.processes import process
from benchmarks.results import ROOT, Options, chosen, run, say, step
from benchmarks.rounds import Sample, Side, compared, interleave

COMMIT = "0ffb426"
TRAINED = ROOT.parent / "shared" / "trained"
NOW, BEFORE = "now", "before"
#: Goal and names of the data of each network in the folder of trained networks.
CASES: Mapping[str, tuple[Sequence[str], str]] = {
    "digits": (("--speedup", "2"), "digits"),
    "vgg": (("--speedup", "2"), "shapes"),
}


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
    with step(f"installing {options.commit}"):
        earlier = _earlier(options.commit, folder)
    tools = {NOW: Path(sys.executable).with_name("sepcost"), BEFORE: earlier / "sepcost"}
    networks = {}
    for name in chosen(options.only, list(CASES)):
        sides = {tool: _side(name, tool, program, folder) for tool, program in tools.items()}
        with step(f"{name}: {rounds} rounds"):
            networks[name] = compared(interleave(sides, rounds, warm=False), BEFORE)
        say(table(name, networks[name]))
    return {"commit": options.commit, "networks": networks}


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


def _side(name: str, tool: str, program: Path, folder: Path) -> Side:
    return partial(_converted, name, tool, program, folder)


def _converted(name: str, tool: str, program: Path, folder: Path) -> Sample:
    """Convert once with an empty cache; add the loss to time and memory."""
    goal, data = CASES[name]
    model, target = TRAINED / f"{name}.onnx", folder / f"{name}-{tool}.onnx"
    home = folder / f"cache-{tool}-{len(list(folder.glob('cache-*')))}"
    home.mkdir()
    own = [] if tool == NOW else ["-u", "PYTHONPATH", "OPENBLAS_NUM_THREADS=1"]
    options = ["--threads", "1", "--force", "-o", str(target)]
    options += ["--calibrate", str(TRAINED / f"{data}_calibration.npz")]
    line = [
        "env",
        *own,
        f"XDG_CACHE_HOME={home}",
        str(program),
        "convert",
        str(model),
        *goal,
        *options,
    ]
    sample = process(line, folder)()
    if sample.failed:
        return sample
    with np.load(TRAINED / f"{data}_eval.npz") as arrays:
        images = arrays["images"].astype(np.float32)
    before, after = (_scores(path, images) for path in (model, target))
    os.remove(target)
    return Sample({**sample.values, **unseen(before, after)})


def _scores(path: Path, images: NDArray[Any]) -> NDArray[Any]:
    import onnxruntime as ort

    session = ort.InferenceSession(str(path))
    (given,) = session.get_inputs()
    parts = [images[start : start + 64] for start in range(0, len(images), 64)]
    return np.concatenate([session.run(None, {given.name: one})[0] for one in parts])


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


def table(name: str, measured: Mapping[str, Any]) -> str:
    """Lay out time, memory and loss of both commits, and the ratios."""
    keys = ("wall_s", "cpu_s", "peak_mb", "loss")
    lines = [f"\n{name:12}{''.join(f'{key:>10}' for key in keys)}"]
    for tool, side in measured.items():
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
