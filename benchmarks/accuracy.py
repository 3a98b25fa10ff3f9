"""Accuracy of ``sepcost convert`` at a measured speed-up, and what each part of it contributes.

Fits and plans use only the calibration data; the held-out data only judge the result. Latency is
measured interleaved with the original, on one thread. Then each part of the method is switched off.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

import sepcost
from benchmarks.results import ROOT, Options, chosen, run, say
from benchmarks.rounds import tidy
from sepcost.latency.jobs import Runtime
from sepcost.model.load import load
from sepcost.separable.conversion import Conversion
from sepcost.separable.factors.blocks import Form
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Effect, Reference, Wish, effect, reference, scored
from sepcost.separable.settings import FORMS, Aim, ConvertSettings, Goal, Method
from sepcost.separable.verify import outputs
from sepcost.separable.watch import Stage

TRAINED = ROOT.parent / "shared" / "trained"
BATCH = 50
SPEEDUPS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0)
WHOLE = "all"

#: Model, calibration data, held-out data.
NETWORKS: Mapping[str, tuple[str, str, str]] = {
    "vgg": ("vgg.onnx", "shapes_calibration.npz", "shapes_eval.npz"),
    "digits": ("digits.onnx", "digits_calibration.npz", "digits_eval.npz"),
}

#: The complete method, then with one part switched off.
VARIANTS: dict[str, dict[str, object]] = {
    WHOLE: {},
    "without depthwise-bottlenecks": {
        "forms": tuple(form for form in FORMS if form is not Form.DEPTHWISE_BOTTLENECK)
    },
    "with bottlenecks": {"forms": (*FORMS, Form.BOTTLENECK)},
    "depthwise only": {"forms": (Form.DEPTHWISE_POINTWISE,)},
    "layers apart": {"method": Method(asymmetric=False)},
    "without gradients": {"method": Method(sensitive=False)},
    "without effects": {"method": Method(by_effect=False)},
    "without tuning": {"tune": 0},
    "weights alone": {"method": Method(fitted=False)},
}


@dataclass(frozen=True, slots=True)
class Converted:
    """One conversion, judged on held-out images."""

    variant: str
    asked: float
    conversion: Conversion
    judged: Effect
    seconds: float


def main() -> None:
    """Run this part alone; prints a Markdown table line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help=f"only these, of {', '.join(NETWORKS)}")
    parser.add_argument("--data", type=Path, default=TRAINED, help="folder of the networks")
    parser.add_argument("--no-variants", action="store_true", help="only the complete method")
    run("accuracy", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Convert every network with every variant of the method."""
    networks: dict[str, Any] = {}
    for name in chosen(options.only or ("digits" if options.quick else ""), list(NETWORKS)):
        files = [options.data / file for file in NETWORKS[name]]
        if not all(file.exists() for file in files):
            say(f"{name}: missing in {options.data}")
            continue
        print("| method | asked | measured | predicted | MACs | points lost (95%) | KL | layers |")
        print("|---|---:|---:|---:|---:|---:|---:|---|")
        networks[name] = []
        for row in rows(files, options, folder):
            print(line(row), flush=True)
            networks[name].append(document(row))
    return {"networks": networks}


def rows(files: list[Path], options: Options, folder: Path) -> Iterator[Converted]:
    """Convert at each speed-up, and at two of them with parts of the method switched off."""
    model, calibration, held_out = files
    original = _reference(model, held_out)
    for variant, changes in VARIANTS.items():
        if (options.quick or options.no_variants) and variant != WHOLE:
            return
        speeds = SPEEDUPS if variant == WHOLE else SPEEDUPS[1:3]
        for speed in speeds[1:2] if options.quick else speeds:
            settings = replace(
                ConvertSettings(goal=Goal(Aim.SPEEDUP, speed), calibrate=calibration),
                **changes,  # type: ignore[arg-type]
            )
            yield _converted(model, settings, original, variant, folder)


def _converted(
    model: Path, settings: ConvertSettings, original: Reference, variant: str, folder: Path
) -> Converted:
    target, start = folder / "converted.onnx", monotonic()
    conversion = sepcost.convert(
        model, target, settings=settings, force=True, on_progress=_progress
    )
    judged = effect(runner(load(target), Runtime(threads=0)), original)
    return Converted(variant, settings.goal.value, conversion, judged, monotonic() - start)


def _progress(step: Stage) -> None:
    print(f"\r\x1b[K{step}", end="", file=sys.stderr, flush=True)


def _reference(model: Path, held_out: Path) -> Reference:
    with np.load(held_out) as archive:
        images, labels = archive["images"].astype(np.float32), archive["labels"]
    loaded = load(model)
    name = loaded.proto.graph.input[0].name
    batches = [{name: images[k : k + BATCH]} for k in range(0, len(images), BATCH)]
    wish = Wish("top1", labels=labels)
    answers = reference(outputs(loaded), runner(loaded, Runtime(threads=0)), batches, wish)
    return scored(answers, wish)


def document(row: Converted) -> dict[str, Any]:
    """Return a row of the results; points lost are percentage points."""
    lost = row.judged.qualities[0].loss
    return {
        "variant": row.variant,
        "asked": row.asked,
        "measured": tidy(row.conversion.speedup or 0),
        "predicted": tidy(row.conversion.plan.predicted.speedup or 0),
        "macs": tidy(row.conversion.before.totals.macs / row.conversion.after.totals.macs),
        "points_lost": [tidy(100 * x) for x in (lost.low, lost.mean, lost.high)],
        "kl": tidy(row.judged.kl or 0),
        "layers": [f"{c.factors.form} {c.factors.rank}" for c in row.conversion.plan.choices],
        "seconds": round(row.seconds),
    }


def line(row: Converted) -> str:
    """Return one line of the table."""
    values = document(row)
    low, lost, high = values["points_lost"]
    cells = [
        row.variant,
        f"{row.asked:g}×",
        *(f"{values[key]:.2f}×" for key in ("measured", "predicted", "macs")),
        f"{lost:.2f} ({low:.2f} to {high:.2f})",
        f"{values['kl']:.4f}",
        " ".join(f"{c.factors.form[0]}{c.factors.rank}" for c in row.conversion.plan.choices),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
