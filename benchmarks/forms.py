"""The speed of the forms that ``sepcost`` emits, against the naive form and theory.

For each width and size, a stack of 3×3 convolutions is converted to every form at every rank; all
variants are interleaved in the same processes, with the protocol of ``sepcost bench``. *Theory* is
the ratio of MACs. The naive form of rank R is one depthwise convolution with R outputs per channel.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import stacks
from benchmarks.results import Options, run, say
from benchmarks.rounds import spread, tidy
from sepcost import Aim, ConvertSettings, Goal, convert
from sepcost.latency.jobs import ModelFile
from sepcost.latency.measure import bench
from sepcost.latency.settings import Settings
from sepcost.separable.factors.blocks import Form

CHANNELS = (32, 64, 128, 256, 512)
SIZES = (7, 14, 28, 56, 112)
THREADS = (1, 2)
DEPTH = 3
MAX_MACS = 4e9  # per convolution: larger ones take a second per run
FIRST, LAST, BLOCK = Form.DEPTHWISE_POINTWISE, Form.POINTWISE_DEPTHWISE, Form.BLOCK_POINTWISE


@dataclass(frozen=True, slots=True)
class Written:
    """One way to write a convolution."""

    form: Form
    rank: int
    emitted: str | None = None  # None: the default of ``convert``

    @property
    def name(self) -> str:
        """The form's short name, its rank, and the way it is emitted."""
        short = {FIRST: "dw-pw", LAST: "pw-dw", BLOCK: "block"}[self.form]
        return f"{short} {self.rank}" + (f" {self.emitted}" if self.emitted else "")


NAIVE = "grouped"
VARIANTS = (
    Written(FIRST, 1), Written(LAST, 1),
    Written(FIRST, 2), Written(FIRST, 2, "concat"), Written(FIRST, 2, NAIVE), Written(LAST, 2),
    Written(FIRST, 4), Written(FIRST, 4, "concat"), Written(FIRST, 4, NAIVE), Written(LAST, 4),
    Written(BLOCK, 16), Written(BLOCK, 32),
)  # fmt: skip


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-time", type=float, help="seconds per shape (60; quick: 3)")
    run("forms", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Measure every variant of every shape."""
    rows = []
    for channels, size in shapes(options.quick):
        files, theory = variants(folder, channels, size)
        for threads in THREADS[:1] if options.quick else THREADS:
            settings = Settings(
                threads=threads,
                max_time_s=options.max_time or (3 if options.quick else 60),
                precision_target=0.02,
                max_launches=2 if options.quick else 8,
                min_launches=2 if options.quick else 4,
            )
            rows.append(_row(channels, size, threads, theory, _speedups(files, settings)))
            say(_line(rows[-1]))
        for file in folder.iterdir():
            file.unlink()
    return {"summary": summary(rows), "shapes": rows}


def shapes(quick: bool) -> Iterator[tuple[int, int]]:
    """Yield channels and size of each convolution of the grid."""
    for channels in CHANNELS:
        for size in SIZES:
            fits = 9 * channels**2 * size**2 <= MAX_MACS
            if fits and (not quick or (channels, size) in {(64, 28), (256, 14)}):
                yield channels, size


def variants(
    folder: Path, channels: int, size: int
) -> tuple[dict[str, ModelFile], dict[str, float]]:
    """Write the regular stack and its conversions; return them with their ratios of MACs."""
    path = folder / "regular.onnx"
    files = {"regular": stacks.write(path, [stacks.regular] * DEPTH, channels, size)}
    theory = {}
    for number, variant in enumerate(VARIANTS):
        if variant.form is BLOCK and variant.rank >= channels:
            continue
        target = folder / f"v{number}.onnx"
        settings = ConvertSettings(
            Goal(Aim.RANK, variant.rank), forms=(variant.form,), emit=variant.emitted, verify=False
        )
        conversion = convert(path, target, settings=settings)
        files[variant.name] = stacks.named(target, (1, channels, size, size))
        theory[variant.name] = conversion.before.totals.macs / conversion.after.totals.macs
    return files, theory


def _speedups(files: Mapping[str, ModelFile], settings: Settings) -> dict[str, list[float]]:
    """Return low, estimate and high of regular / variant for all variants, from one run."""
    result = bench(list(files.values()), settings)
    names = list(files)[1:]
    return {
        name: [tidy(1 / side) for side in (pair.ratio.high, pair.ratio.estimate, pair.ratio.low)]
        for name, pair in zip(names, result.comparisons, strict=True)
    }


def _row(
    channels: int, size: int, threads: int, theory: Mapping[str, float],
    speedups: Mapping[str, list[float]],
) -> dict[str, Any]:  # fmt: skip
    return {
        "channels": channels, "size": size, "threads": threads,
        "variants": {
            name: {"theory": tidy(theory[name]), "speedup": speedup}
            for name, speedup in speedups.items()
        },
    }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return, by threads, spreads over the shapes: emitted over naive, and measured over theory."""
    by_threads: dict[str, Any] = {}
    for threads in sorted({row["threads"] for row in rows}):
        sides = [row["variants"] for row in rows if row["threads"] == threads]
        names = dict.fromkeys(name for side in sides for name in side)
        by_threads[str(threads)] = {
            "over_naive": {str(rank): spread(_over_naive(sides, rank)) for rank in (2, 4)},
            "of_theory": {name: spread(_of_theory(sides, name)) for name in names},
        }
    return by_threads


def _over_naive(sides: list[dict[str, Any]], rank: int) -> list[float]:
    names = f"dw-pw {rank}", f"dw-pw {rank} {NAIVE}"
    pairs = [[side[name]["speedup"][1] for name in names] for side in sides]
    return [emitted / naive for emitted, naive in pairs]


def _of_theory(sides: list[dict[str, Any]], name: str) -> list[float]:
    there = [side[name] for side in sides if name in side]
    return [one["speedup"][1] / one["theory"] for one in there]


def _line(row: Mapping[str, Any]) -> str:
    cells = [
        f"{name} {side['speedup'][1]:.2f} [{side['theory']:.1f}]"
        for name, side in row["variants"].items()
    ]
    head = f"{row['channels']}@{row['size']}, {row['threads']} threads"
    return f"{head}, speed-up [theory]: {', '.join(cells)}"


if __name__ == "__main__":
    main()
