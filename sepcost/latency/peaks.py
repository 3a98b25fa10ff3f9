"""The machine's peaks through ONNX Runtime: compute and bandwidth of the roofline.

Williams, Waterman and Patterson 2009: a layer takes at least ``macs / peak`` for its arithmetic
and ``bytes / bandwidth`` for its memory traffic. Both are measured with ONNX Runtime's own kernels
and the measurement's provider and threads, so that 100% is attainable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
SECONDS = 0.7  # per benchmark, of which there are five
FEWEST = 5
WARM = 2


def measure(asked: Runtime, beat: Callable[[], None] = lambda: None, most_s: float = inf) -> Peaks:
    """Time large matrix products and a large copy; take the best run of each.

    Nothing starts after ``most_s`` seconds, except two runs of each kind: the first allocates.
    """
    watch = _Watch(asked, beat, monotonic() + most_s, most_s / (2 * len(SIDES) + 1))
    copy = watch.best_ns(runtime.session(_copy(), asked), np.ones(COPIED, np.float32))
    products = {side: _product(side) for side in SIDES}
    quantised = {side: _quantised_product(side) for side in SIDES}
    runs_integers = _runs_itself(quantised[SIDES[0]], asked)
    return Peaks(
        macs_per_second=watch.macs_per_second(products, np.float32),
        bytes_per_second=2 * 4 * COPIED / copy * 1e9,
        int8_macs_per_second=watch.macs_per_second(quantised, np.uint8) if runs_integers else None,
    )


def _runs_itself(model: bytes, asked: Runtime) -> bool:
    """Whether the requested providers take every node; else the CPU's speed would be measured."""
    placed = runtime.placement(runtime.session(model, asked))
    return all(name in asked.providers for name, _ in placed)


@dataclass(frozen=True, slots=True)
class _Watch:
    """The settings of sessions, and the time that is left."""

    asked: Runtime
    beat: Callable[[], None]
    end: float
    each_s: float

    def macs_per_second(self, products: Mapping[int, bytes], dtype: type) -> float:
        """The best rate of products by size; larger ones are skipped if there is no time left."""
        best = 0.0
        for side, model in products.items():
            if best and monotonic() + side**3 / best > self.end:
                break
            made = runtime.session(model, self.asked)
            best = max(best, side**3 / self.best_ns(made, np.ones((side, side), dtype)) * 1e9)
        return best

    def best_ns(self, made: runtime.Session, feed: Array) -> int:
        run = runtime.runner(made, {"x": feed}, ModelFile("the machine", Path(), ()))
        times: list[int] = []
        started = monotonic()
        while len(times) < WARM or _wanted(len(times), monotonic() - started, self.each_s):
            start = perf_counter_ns()
            run()
            times.append(perf_counter_ns() - start)
            self.beat()
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


def _quantised_product(side: int) -> bytes:
    """Build a product of uint8 by int8 in QDQ format, which providers fuse into one kernel."""
    weight = np.random.default_rng(0).integers(-127, 128, (side, side), np.int8)
    scales = {"s": np.float32(0.01), "z": np.uint8(0), "ws": np.float32(0.01), "wz": np.int8(0)}
    stored = {"w": weight, **scales, "ys": np.float32(side / 100)}
    return _model(
        "a = DequantizeLinear (x, s, z)  b = DequantizeLinear (w, ws, wz)  c = MatMul (a, b)"
        "  product = QuantizeLinear (c, ys, z)  y = Slice (product, zero, one, zero)",
        [side, side],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
        "uint8",
    )


def _copy() -> bytes:
    """Build a pass over a tensor that reads and writes each element once."""
    return _model("copied = Neg (x)  y = Slice (copied, zero, one, zero)", [COPIED], [])


def _model(
    nodes: str, shape: list[int], weights: list[onnx.TensorProto], kind: str = "float"
) -> bytes:
    """Build a model from ONNX text; its Slice keeps the large result inside the model."""
    sizes = ",".join(map(str, shape))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> peak ({kind}[{sizes}] x) => ({kind}[1] y)'
        f"<int64[1] zero = {{0}}, int64[1] one = {{1}}> {{ {nodes} }}"
    )
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model.graph.initializer.extend(weights)
    return bytes(model.SerializeToString())
