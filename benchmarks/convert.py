"""Accuracy against measured speed-up of ``sepcost convert``, and what each part of it is worth.

    python benchmarks/convert.py ../shared/trained/vgg.onnx \
        ../shared/trained/shapes_calibration.npz ../shared/trained/shapes_eval.npz

Fits and plans on the calibration data alone; the evaluation data only report. Every latency is
measured in turns with the original, one thread. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import sepcost
from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.separable.activations import runner
from sepcost.separable.blocks import Form
from sepcost.separable.conversion import Conversion
from sepcost.separable.effect import Effect, Reference, effect, reference
from sepcost.separable.settings import FORMS, Aim, ConvertSettings, Goal

BATCH = 50
SPEEDUPS = (1.5, 2.0, 3.0, 4.0)

#: The method whole, then with one part of it off.
VARIANTS: dict[str, dict[str, object]] = {
    "all": {},
    "with bottlenecks": {"forms": (*FORMS, Form.BOTTLENECK)},
    "depthwise only": {"forms": (Form.DEPTHWISE_POINTWISE,)},
    "layers apart": {"asymmetric": False},
    "own errors": {"by_effect": False},
    "weights alone": {"fitted": False},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One conversion, judged on images that had no part in it."""

    variant: str
    asked: float
    found: Conversion
    judged: Effect


def rows(model: Path, calibration: Path, evaluation: Path, quick: bool) -> Iterator[Row]:
    """Convert at each speed-up by the whole method, and at two of them with parts switched off."""
    beside = _reference(model, evaluation)
    for variant, changes in VARIANTS.items():
        if quick and variant != "all":
            return
        for speed in SPEEDUPS if variant == "all" else SPEEDUPS[1:3]:
            settings = replace(
                ConvertSettings(goal=Goal(Aim.SPEEDUP, speed), calibrate=calibration),
                **changes,  # type: ignore[arg-type]
            )
            yield _converted(model, settings, beside, variant)


def _converted(model: Path, settings: ConvertSettings, beside: Reference, variant: str) -> Row:
    with TemporaryDirectory() as folder:
        target = Path(folder) / "converted.onnx"
        found = sepcost.convert(model, target, settings=settings, force=True, on_progress=_tell)
        judged = effect(runner(load(target), Runtime(threads=0)), beside)
    return Row(variant, settings.goal.value, found, judged)


def _tell(doing: str) -> None:
    print(f"\r\x1b[K{doing}", end="", file=sys.stderr, flush=True)


def _reference(model: Path, evaluation: Path) -> Reference:
    with np.load(evaluation) as archive:
        images, labels = archive["images"].astype(np.float32), archive["labels"]
    loaded = load(model)
    name = loaded.proto.graph.input[0].name
    batches = [{name: images[k : k + BATCH]} for k in range(0, len(images), BATCH)]
    return reference(runner(loaded, Runtime(threads=0)), batches, labels)


def line(row: Row) -> str:
    """One line of the table."""
    low, high = row.judged.drop_interval or (0.0, 0.0)
    cells = [
        row.variant,
        f"{row.asked:g}×",
        f"{row.found.speedup or 0:.2f}×",
        f"{row.found.plan.predicted.speedup or 0:.2f}×",
        f"{row.found.before.totals.macs / row.found.after.totals.macs:.2f}×",
        f"{100 * (row.judged.drop or 0):.2f} ({100 * low:.2f} to {100 * high:.2f})",
        f"{row.judged.kl or 0:.4f}",
        " ".join(f"{c.factors.form[0]}{c.factors.rank}" for c in row.found.plan.choices),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table line by line, as results come."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "calibration", "evaluation"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--quick", action="store_true", help="the whole method only")
    given = parser.parse_args()
    print("| method | asked | measured | predicted | MACs | points lost (95%) | KL | layers |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    for row in rows(given.model, given.calibration, given.evaluation, given.quick):
        print(line(row), flush=True)


if __name__ == "__main__":
    main()
