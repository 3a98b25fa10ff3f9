"""The arena of ``analyze --memory`` against the one that onnxsim plans, and the peak of both.

Dynamic inputs get a size in a copy of the model, and both tools read that copy. Models of which
onnxsim leaves a value out are not compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from benchmarks.models import SHARED
from benchmarks.results import Options, run, say
from sepcost import Analysis, analyze
from tests.strangers.models import SIZES

TIMEOUT_S = 300
PEER = """
import json, sys, onnx
from onnxsim.memory_planning import plan_activation_memory
plan = plan_activation_memory(onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1])))
print(json.dumps({"bytes": plan.arena_bytes, "left_out": len(plan.unplanned)}))
"""


def main() -> None:
    """Run this part alone."""
    run("placement", part, argparse.ArgumentParser(description=__doc__))


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Place the activations of each model with both tools."""
    models: dict[str, Any] = {}
    for path in sorted(SHARED.glob("*.onnx")):
        found = analyze(path, **SIZES.get(path.stem, {}))
        arena = found.arena
        models[path.stem] = row = {
            "peak": found.totals.peak_activation_bytes,
            "least": arena.least_bytes,
            "ours": arena.size_bytes,
            "onnxsim": _peer(options.peers, _sized(path, found, folder)),
        }
        say(f"{path.stem}: {row}")
    return {"models": models, "ratios": _ratios(models)}


def _sized(path: Path, found: Analysis, folder: Path) -> Path:
    """Write a copy with the sizes that were counted."""
    model = onnx.load(path)
    shapes = {value.name: value.shape or () for value in found.network.inputs}
    for value in model.graph.input:
        sides = shapes.get(value.name, ())
        for dim, side in zip(value.type.tensor_type.shape.dim, sides, strict=False):
            dim.dim_value = side
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    still = folder / path.name
    onnx.save(model, still)
    return still


def _peer(home: Path | None, path: Path) -> int | None:
    """The size that onnxsim plans; None if it fails or leaves values out."""
    if home is None:
        return None
    done = subprocess.run(
        [str(home / "python"), "-c", PEER, str(path)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    lines = done.stdout.strip().splitlines()
    plan = json.loads(lines[-1]) if not done.returncode and lines else {"left_out": 1}
    return None if plan["left_out"] else int(plan["bytes"])


def _ratios(models: Mapping[str, Any]) -> dict[str, float]:
    """Ours divided by onnxsim's, where it places every value of a model that has some."""
    return {
        name: round(row["ours"] / row["onnxsim"], 3)
        for name, row in models.items()
        if row["onnxsim"] and row["peak"]
    }


if __name__ == "__main__":
    main()
