"""Is ``sepcost bench`` right? Pairs of known ratio, compared many times, also under load.

* two copies of a model: how often is the verdict *same* (promised: 95 of 100), and how often does
  a limit of +5% fail (promised: at most 2 of 100)?
* a twin with 5% more MACs: how often is the verdict *slower*? (promised: 90 of 100)
* a twin with 15% more MACs: how often does a limit of +5% fail? (promised: 95 of 100)
* a regular stack and its separable twin: what is the error of the ratio? (promised: 3%)

The true ratio is 1 for copies; for other pairs it is the ratio of the fastest runs of an
alternating loop on the idle machine. The common alternatives are interleaved with it: two plain
loops, and hyperfine on whole processes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from benchmarks import loops, stacks
from benchmarks.results import Options, run, say
from benchmarks.rounds import tidy
from sepcost.latency.jobs import ModelFile
from sepcost.latency.machine import cores
from sepcost.latency.measure import bench
from sepcost.latency.settings import Settings

CHANNELS, SIZE, DEPTH = 48, 20, 20
GATE = 1.05
OURS, LOOPS, HYPERFINE = "sepcost", "two plain loops", "hyperfine"
#: A method runs in every Nth comparison: hyperfine takes as long as six of the others.
EVERY = {OURS: 1, LOOPS: 1, HYPERFINE: 6}
#: The pairs that the other methods compare; sepcost compares all.
ASKED = {LOOPS: {"equal", "five_per_cent"}, HYPERFINE: {"equal"}}

Pair = tuple[ModelFile, ModelFile]
Row = dict[str, Any]
Method = Callable[[Pair, int], Row]


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, help="runs per pair (40; quick: 1)")
    parser.add_argument("--loads", type=int, nargs="*", help="busy cores (0 and all; quick: all)")
    parser.add_argument("--max-time", type=float, help="seconds per comparison (60; quick: 5)")
    run("bench", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Compare every pair with every method under every load."""
    pairs = models(folder)
    truth = {name: 1.0 if name == "equal" else loops.truth(*pair) for name, pair in pairs.items()}
    limit = options.max_time or (5 if options.quick else 60)
    methods: dict[str, Method] = {OURS: partial(_ours, limit), LOOPS: _loops}
    if options.hyperfine:
        methods[HYPERFINE] = partial(_hyperfine, options.hyperfine, folder)
    comparisons = options.comparisons or (1 if options.quick else 40)
    loads = options.loads or ([cores()] if options.quick else [0, cores()])
    rows: dict[str, Any] = {}
    for load in loads:
        with busy(load):
            rows[str(load)] = _compared(pairs, methods, comparisons, f"{load} busy")
    return {
        "cores": cores(),
        "truth": {name: tidy(value) for name, value in truth.items()},
        "hyperfine": str(options.hyperfine.name) if options.hyperfine else "not available",
        "summary": {
            load: {
                method: {name: summary(runs, truth[name]) for name, runs in by_pair.items()}
                for method, by_pair in by_method.items()
            }
            for load, by_method in rows.items()
        },
        "runs": rows,
    }


def models(folder: Path) -> dict[str, Pair]:
    """Build the regular stack twice, with 5% and 15% more layers, and its separable twin."""
    depths = {
        "regular": DEPTH,
        "copy": DEPTH,
        "five": DEPTH * 21 // 20,
        "fifteen": DEPTH * 23 // 20,
    }
    written = {
        name: stacks.write(folder / f"{name}.onnx", [stacks.regular] * depth, CHANNELS, SIZE)
        for name, depth in depths.items()
    }
    twin = stacks.write(folder / "separable.onnx", [stacks.separable] * DEPTH, CHANNELS, SIZE)
    others = [written["copy"], written["five"], written["fifteen"], twin]
    names = ("equal", "five_per_cent", "fifteen_per_cent", "separable")
    return {name: (written["regular"], other) for name, other in zip(names, others, strict=True)}


def _compared(
    pairs: Mapping[str, Pair], methods: Mapping[str, Method], comparisons: int, title: str
) -> dict[str, dict[str, list[Row]]]:
    """Compare each pair with each method, interleaved, so that a slow minute affects all."""
    rows: dict[str, dict[str, list[Row]]] = {method: {} for method in methods}
    for number in range(comparisons):
        for name, pair in pairs.items():
            for method, compare in methods.items():
                if number % EVERY[method] or name not in ASKED.get(method, pairs):
                    continue
                start = monotonic()
                row = compare(pair, number)
                row["seconds"] = round(monotonic() - start, 1)
                rows[method].setdefault(name, []).append(row)
                say(f"{title}, {name}, {method}, {number + 1}/{comparisons}: {row}")
    return rows


def _ours(limit: float, pair: Pair, number: int) -> Row:
    result = bench(pair, Settings(max_time_s=limit, seed=1000 * number))
    (comparison,) = result.comparisons
    return _row(comparison.ratio) | {
        "verdict": str(comparison.verdict),
        "launches": result.models[0].launches,
        "statistics": [s.name for s in comparison.statistics],
    }


def _loops(pair: Pair, _: int) -> Row:
    return _row(loops.two_loops(*pair))


def _hyperfine(program: Path, folder: Path, pair: Pair, _: int) -> Row:
    return _row(loops.hyperfine(program, *pair, folder))


def _row(ratio: Any) -> Row:
    return {key: round(getattr(ratio, key), 5) for key in ("estimate", "low", "high")}


def summary(rows: Sequence[Row], truth: float) -> dict[str, Any]:
    """Count the verdicts and summarise the errors of the ratios."""
    errors = [abs(row["estimate"] / truth - 1) for row in rows]
    verdicts = [row["verdict"] for row in rows if "verdict" in row]
    return {
        "comparisons": len(rows),
        **{verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "gate_fails": sum(row["low"] > GATE for row in rows),
        "over_gate": sum(row["estimate"] > GATE for row in rows),
        "off_by_gate": sum(not 1 / GATE <= row["estimate"] / truth <= GATE for row in rows),
        "covered": sum(row["low"] <= truth <= row["high"] for row in rows),
        "median_error": tidy(median(errors)),
        "largest_error": tidy(max(errors)),
        "seconds": tidy(median(row["seconds"] for row in rows)),
    }


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep cores busy with Python loops."""
    loops_ = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)
    ]
    try:
        yield
    finally:
        for loop in loops_:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    main()
