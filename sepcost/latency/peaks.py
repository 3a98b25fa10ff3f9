"""The machine's peaks through ONNX Runtime: compute and bandwidth of the roofline.

Williams, Waterman and Patterson 2009: a layer takes at least ``macs / peak`` for its arithmetic
and ``bytes / bandwidth`` for its memory traffic. Both are measured with ONNX Runtime's own kernels
and the measurement's provider and threads, so that 100 % is attainable.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from time import monotonic, perf_counter_ns

import numpy as np
import onnx.parser
from onnx import numpy_helper

from sepcost.latency import runtime
from sepcost.latency.inputs import Array
from sepcost.latency.jobs import ModelFile, Runtime
from sepcost.latency.results import Peaks

SIDES = (512, 1024)  # of matrices: short runs are rarely disturbed, long ones occupy all cores
COPIED = 32 * 2**20  # elements of 4 bytes, far more than any cache holds
SECONDS = 0.7  # per benchmark, of which there are three
FEWEST = 5


def measure(asked: Runtime, beat: Callable[[], None] = lambda: None, most_s: float = inf) -> Peaks:
    """Time large matrix products and a large copy; take the best run of each.

    No run starts after ``most_s`` seconds in total, but each runs at least once.
    """
    limit = most_s / (len(SIDES) + 1)
    feeds = {side: np.ones((side, side), np.float32) for side in SIDES}
    products = {n: _best_ns(_product(n), feed, asked, beat, limit) for n, feed in feeds.items()}
    copy = _best_ns(_copy(), np.ones(COPIED, np.float32), asked, beat, limit)
    return Peaks(
        macs_per_second=max(n**3 / ns for n, ns in products.items()) * 1e9,
        bytes_per_second=2 * 4 * COPIED / copy * 1e9,
    )


def _best_ns(
    model: bytes, feed: Array, asked: Runtime, beat: Callable[[], None], most_s: float
) -> int:
    made = runtime.session(model, asked)
    run = runtime.runner(made, {"x": feed}, ModelFile("the machine", Path(), ()))
    times: list[int] = []
    started = monotonic()
    while not times or _wanted(len(times), monotonic() - started, most_s):
        start = perf_counter_ns()
        run()
        times.append(perf_counter_ns() - start)
        beat()
    return min(times)


def _wanted(runs: int, spent_s: float, most_s: float) -> bool:
    return spent_s < most_s and (runs < FEWEST or spent_s < SECONDS)


def _product(side: int) -> bytes:
    """Build x @ w with a constant w, like the weights of convolutions."""
    weight = np.random.default_rng(0).random((side, side), np.float32)
    return _model(
        "product = MatMul (x, w)  y = Slice (product, zero, one, zero)",
        [side, side],
        [numpy_helper.from_array(weight, "w")],
    )


def _copy() -> bytes:
    """Build a pass over a tensor that reads and writes each element once."""
    return _model("copied = Neg (x)  y = Slice (copied, zero, one, zero)", [COPIED], [])


def _model(nodes: str, shape: list[int], weights: list[onnx.TensorProto]) -> bytes:
    """Build a model from ONNX text; its Slice keeps the large result inside the model."""
    sizes = ",".join(map(str, shape))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> peak (float[{sizes}] x) => (float[1] y)'
        f"<int64[1] zero = {{0}}, int64[1] one = {{1}}> {{ {nodes} }}"
    )
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model.graph.initializer.extend(weights)
    return bytes(model.SerializeToString())
