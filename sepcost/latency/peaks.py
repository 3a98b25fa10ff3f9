"""The machine's peaks through ONNX Runtime: compute and bandwidth of the roofline.

Williams, Waterman and Patterson 2009: a layer takes at least ``macs / peak`` for its arithmetic
and ``bytes / bandwidth`` for its memory traffic. Both are measured with ONNX Runtime's own kernels
and the measurement's provider and threads, so that 100% is attainable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic, perf_counter_ns

import numpy as np

from sepcost.latency import runtime
from sepcost.latency.jobs import ModelFile, Runtime
from sepcost.latency.results import Peaks
from sepcost.model.dtypes import numpy_dtype

SECONDS = 0.7  # per benchmark, of which there are five
FEWEST = 5
WARM = 2


def measure(
    models: Sequence[ModelFile],
    asked: Runtime,
    beat: Callable[[], None] = lambda: None,
    most_s: float = inf,
) -> Peaks:
    """Time a large copy and large matrix products; take the best run of each.

    Nothing starts after ``most_s`` seconds, except two runs of each kind: the first allocates.

    Parameters
    ----------
    models
        Those of ``peak_models``: the copy, then products in order of size, floats and integers.
    """
    watch = _Watch(asked, beat, monotonic() + most_s, most_s / len(models))
    copy, *products = models
    floats = [model for model in products if model.inputs[0].dtype == "float32"]
    integers = [model for model in products if model.inputs[0].dtype == "uint8"]
    copied = copy.inputs[0].size_bytes or 0
    return Peaks(
        bytes_per_second=2 * copied / watch.best_ns(copy) * 1e9,
        macs_per_second=watch.macs_per_second(floats),
        int8_macs_per_second=watch.macs_per_second(integers)
        if _runs_itself(integers[0], asked)
        else None,
    )


def _runs_itself(model: ModelFile, asked: Runtime) -> bool:
    """Whether the requested providers take every node; else the CPU's speed would be measured."""
    placed = runtime.placement(runtime.session(model.path, asked))
    return all(name in asked.providers for name, _ in placed)


@dataclass(frozen=True, slots=True)
class _Watch:
    """The settings of sessions, and the time that is left."""

    asked: Runtime
    beat: Callable[[], None]
    end: float
    each_s: float

    def macs_per_second(self, products: Sequence[ModelFile]) -> float:
        """The best rate of products by size; larger ones are skipped if there is no time left."""
        best = 0.0
        for model in products:
            side, *_ = model.inputs[0].shape or ()
            if best and monotonic() + side**3 / best > self.end:
                break
            best = max(best, side**3 / self.best_ns(model) * 1e9)
        return best

    def best_ns(self, model: ModelFile) -> int:
        (value,) = model.inputs
        feed = np.ones(value.shape or (), numpy_dtype(value.dtype))
        made = runtime.session(model.path, self.asked)
        run = runtime.runner(made, {value.name: feed}, model)
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
