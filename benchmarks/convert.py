"""``sepcost convert`` against reading and writing the same file, and against plain SVDs.

Whole processes: convert at rank 1 without verification, against a process that calls ``onnx.load``
and ``onnx.save``; then, in two rounds, planned for half the MACs without data. Only factors: every
eligible kernel of VGG16 in one process, against one ``numpy.linalg.svd`` per channel, which gives
the same factors.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.models import shipped, vgg19
from benchmarks.processes import process
from benchmarks.results import Options, chosen, run, say, step
from benchmarks.rounds import Sample, compared, interleave
from sepcost import factorize
from sepcost.separable.factors.blocks import Form

BASE = "read and write"
COPY = "import sys, onnx; onnx.save(onnx.load(sys.argv[1]), sys.argv[2])"
MAKERS: Mapping[str, Callable[[Path], None]] = {
    "resnet50": partial(shipped, "resnet-50"),
    "vgg16": partial(shipped, "vgg16"),
    "vgg19": vgg19,
}
WAYS: Mapping[str, Sequence[str]] = {
    "rank 1": ("--rank", "1"),
    "planned": ("--macs", "0.5", "--force"),
}
#: Rounds of planned conversions, which take minutes; there is no warm-up round.
PLANNED = 2
#: VGG16's 3×3 kernels except the first, which has 3 channels.
KERNELS = [(64, 64), (128, 64), (128, 128), (256, 128), *[(256, 256)] * 2, (512, 256)]
KERNELS += [(512, 512)] * 5


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="runs per command (5; quick: 1)")
    parser.add_argument("--only", default="", help=f"only these, of {', '.join([*MAKERS, 'svd'])}")
    parser.add_argument("--no-plan", action="store_true", help="leave out planned conversions")
    run("convert", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Time whole conversions, then only the factors."""
    rounds = options.rounds or (1 if options.quick else 5)
    models: dict[str, Any] = {}
    names = chosen(options.only, [*MAKERS, "svd"])
    if options.quick and not options.only:
        names = ["resnet50", "svd"]
    planned = not options.quick and not options.no_plan
    for name in names:
        if name == "svd":
            continue
        path = folder / f"{name}.onnx"
        MAKERS[name](path)
        with step(name):
            tools = conversions(path, "rank 1", rounds)
        if planned:
            with step(f"{name}, planned"):
                tools["planned"] = conversions(path, "planned", min(rounds, PLANNED))["planned"]
        models[name] = {"bytes": path.stat().st_size, "tools": tools}
        say(_line(name, tools))
        path.unlink()
    factors = svd(rounds, KERNELS[:3] if options.quick else KERNELS) if "svd" in names else None
    if factors:
        say(_line("factors of VGG16", factors))
    return {"models": models, "factors": factors}


def conversions(path: Path, way: str, rounds: int) -> dict[str, Any]:
    """Interleave one way to convert a file with reading and writing it."""
    out = path.with_suffix(".out.onnx")
    remove = partial(out.unlink, missing_ok=True)
    ours = Path(sys.executable).with_name("sepcost")
    head = [str(ours), "convert", str(path), "-o", str(out), "--no-verify", "--quiet"]
    sides = {BASE: process([sys.executable, "-c", COPY, str(path), str(out)], path.parent, remove)}
    sides[way] = process([*head, *WAYS[way]], path.parent, remove)
    return compared(interleave(sides, rounds, warm=rounds > PLANNED), BASE)


def svd(rounds: int, kernels: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Compare rank-1 factors of all kernels, ours against one SVD per channel."""
    random = np.random.default_rng(0)
    weights = [random.standard_normal((*k, 3, 3)).astype(np.float32) for k in kernels]
    sides = {
        "sepcost": partial(_timed, _ours, weights),
        "numpy.linalg.svd": partial(_timed, plain, weights),
    }
    with step("factors"):
        return compared(interleave(sides, rounds), "sepcost")


def _timed(work: Callable[[NDArray[Any]], object], weights: Sequence[NDArray[Any]]) -> Sample:
    wall, cpu = perf_counter(), process_time()
    for weight in weights:
        work(weight)
    return Sample({"wall_s": perf_counter() - wall, "cpu_s": process_time() - cpu})


def _ours(weight: NDArray[Any]) -> object:
    return factorize(weight, Form.DEPTHWISE_POINTWISE, 1)


def plain(weight: NDArray[Any]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return the best rank 1 of each input channel's [N, 9] slice, computed the obvious way."""
    pairs = []
    for channel in range(weight.shape[1]):
        matrix = weight[:, channel].reshape(weight.shape[0], -1).astype(np.float64)
        u, s, v = np.linalg.svd(matrix, full_matrices=False)
        pairs.append((u[:, :1] * s[:1], v[:1]))
    return pairs


def _line(name: str, tools: Mapping[str, Any]) -> str:
    cells = []
    for tool, taken in tools.items():
        if "failed" in taken:
            cells.append(f"{tool}: {taken['failed']}")
            continue
        peak = f", {taken['peak_mb'][1]:.0f} MB" if "peak_mb" in taken else ""
        ratio = taken.get("ratios", {}).get("wall_s", [1, 1, 1])[1]
        cells.append(f"{tool}: {taken['wall_s'][1]:.2f} s{peak}, {ratio:.2f}×")
    return f"{name}: " + "; ".join(cells)


if __name__ == "__main__":
    main()
