"""Does the measurement hold what it promises? The experiment behind the README's figures.

Four questions, each asked many times, with a background load and without:

* two copies of one model: how often are they called the same (promised: 95 of 100), and how often
  does a gate at +5 % fail (promised: 2 of 100 at most)?
* a twin with 5 % more MACs: how often is it called slower? (promised: 90 of 100)
* a twin with 15 % more: how often does a gate at +5 % fail? (promised: 95 of 100)
* a regular stack and its separable twin: how far is the ratio from the true one? (promised: 3 %)

The truth of the last is the ratio of the fastest runs of a plain loop, on the machine at rest.

Run ``python benchmarks/latency_protocol.py`` for the full experiment (more than an hour), or with
``--comparisons 5`` for a taste of it. Prints a JSON document, and a summary on stderr.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter_ns
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sepcost.latency.jobs import ModelFile
from sepcost.latency.machine import cores
from sepcost.latency.measure import bench
from sepcost.latency.results import Bench
from sepcost.latency.settings import Settings
from sepcost.network import Role, Value

CHANNELS, SIZE, DEPTH = 48, 20, 20
LOOP_RUNS = 2000
GATE = 1.05


def main() -> None:
    """Run the experiment that the command line asks for."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="sepcost-") as folder:
        stacks = _models(Path(folder))
        truth = plain_ratio(stacks["regular"], stacks["separable"])
        found = {
            f"{load} busy cores": _under_load(load, stacks, truth, options)
            for load in options.loads
        }
    print(json.dumps({"plain_loop_ratio": truth, "comparisons": options.comparisons, **found}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=100, help="of each pair")
    parser.add_argument("--loads", type=int, nargs="*", default=[0, cores()], help="busy cores")
    parser.add_argument("--max-time", type=float, default=60.0, help="seconds a comparison")
    parser.add_argument("--target", type=float, default=0.01, help="half-width")
    return parser.parse_args()


def _under_load(
    load: int, stacks: dict[str, ModelFile], truth: float, options: argparse.Namespace
) -> dict[str, Any]:
    pairs = {
        "equal": (stacks["regular"], stacks["copy"]),
        "five_per_cent": (stacks["regular"], stacks["five"]),
        "fifteen_per_cent": (stacks["regular"], stacks["fifteen"]),
        "separable": (stacks["regular"], stacks["separable"]),
    }
    with busy(load):
        found = {
            name: _compared(f"{load} busy, {name}", pair, options) for name, pair in pairs.items()
        }
    errors = [abs(row["ratio"] / truth - 1) for row in found["separable"]]
    return {
        "same_of_equal": _share(found["equal"], "same"),
        "gate_fails_equal": _gate_fails(found["equal"]),
        "slower_of_five_per_cent": _share(found["five_per_cent"], "slower"),
        "gate_fails_fifteen_per_cent": _gate_fails(found["fifteen_per_cent"]),
        "largest_error_of_ratio": max(errors),
        "median_error_of_ratio": float(np.median(errors)),
        "seconds": float(np.mean([row["seconds"] for rows in found.values() for row in rows])),
        "runs": found,
    }


def _share(rows: Sequence[dict[str, Any]], verdict: str) -> float:
    return len([row for row in rows if row["verdict"] == verdict]) / len(rows)


def _gate_fails(rows: Sequence[dict[str, Any]]) -> float:
    """A gate fails where the whole interval lies above its tolerance."""
    return len([row for row in rows if row["low"] > GATE]) / len(rows)


def _compared(
    title: str, pair: Sequence[ModelFile], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Compare one pair as often as was asked for."""
    rows = []
    for number in range(options.comparisons):
        settings = Settings(
            max_time_s=options.max_time, precision_target=options.target, seed=1000 * number
        )
        rows.append(_row(bench(pair, settings)))
        say(f"{title} {number + 1}/{options.comparisons}: {rows[-1]}")
    return rows


def _row(found: Bench) -> dict[str, Any]:
    (comparison,) = found.comparisons
    return {
        "ratio": round(comparison.ratio.estimate, 5),
        "low": round(comparison.ratio.low, 5),
        "half_width": round(comparison.ratio.half_width, 5),
        "verdict": str(comparison.verdict),
        "launches": found.models[0].launches,
        "seconds": round(found.elapsed_s, 1),
        "statistics": [s.name for s in comparison.statistics],
    }


def say(line: str) -> None:
    """Tell on stderr how it goes."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep cores busy with loops of Python."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def plain_ratio(a: ModelFile, b: ModelFile) -> float:
    """Return the ratio b / a of the fastest runs, alternating in one process."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    feed = {"x": np.random.default_rng(0).random((1, CHANNELS, SIZE, SIZE), np.float32)}
    sides = [(ort.InferenceSession(str(m.path), options), list[int]()) for m in (a, b)]
    started = monotonic()
    while len(sides[0][1]) < LOOP_RUNS and monotonic() - started < 30:
        for session, times in sides:
            for number in range(6):
                start = perf_counter_ns()
                session.run(None, feed)
                if number:  # the first finds the other's data in the caches
                    times.append(perf_counter_ns() - start)
    quick = [float(np.percentile(times, 5)) for _, times in sides]
    return quick[1] / quick[0]


def _models(folder: Path) -> dict[str, ModelFile]:
    """Build the regular stack twice, with 1 and 3 layers in 20 more, and its separable twin."""
    return {
        "regular": _save(folder / "regular.onnx", [_regular] * DEPTH),
        "copy": _save(folder / "copy.onnx", [_regular] * DEPTH),
        "five": _save(folder / "five.onnx", [_regular] * (DEPTH + DEPTH // 20)),
        "fifteen": _save(folder / "fifteen.onnx", [_regular] * (DEPTH + 3 * DEPTH // 20)),
        "separable": _save(folder / "separable.onnx", [_separable] * DEPTH),
    }


def _regular(stack: Stack, x: str) -> str:
    return stack.relu(stack.conv(x, (CHANNELS, CHANNELS, 3, 3)))


def _separable(stack: Stack, x: str) -> str:
    depthwise = stack.relu(stack.conv(x, (CHANNELS, 1, 3, 3)))
    return stack.relu(stack.conv(depthwise, (CHANNELS, CHANNELS, 1, 1)))


class Stack:
    """A model that grows node by node, with seeded weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(0)

    def conv(self, x: str, shape: tuple[int, ...]) -> str:
        """Add a 'same' convolution that keeps the numbers in range."""
        weight = self._random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(weight.astype(np.float32), name))
        group = CHANNELS // shape[1]
        return self._add("Conv", [x, name], group=group, pads=[shape[2] // 2] * 4)

    def relu(self, x: str) -> str:
        """Add an activation."""
        return self._add("Relu", [x])

    def _add(self, op_type: str, inputs: list[str], **attributes: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [output], **attributes))
        return output


def _save(path: Path, layers: Sequence[Callable[[Stack, str], str]]) -> ModelFile:
    stack, last, shape = Stack(), "x", (1, CHANNELS, SIZE, SIZE)
    for layer in layers:
        last = layer(stack, last)
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in ("x", last)]
    graph = helper.make_graph(stack.nodes, path.stem, ends[:1], ends[1:], stack.weights)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return ModelFile(path.stem, path, (Value("x", shape, "float32", Role.INPUT),))


if __name__ == "__main__":
    main()
