"""How many models each tool counts exactly, with ONNX Runtime's own shapes as the witness.

The witness is a run of the model: the input and output shapes of each kernel give the MACs of
convolutions and matrix products, which all tools count. Whatever else a tool counts (recurrent
cells, activations) is subtracted, by the tool's own rules. Two conventions also count as exact: one
MAC per element for a bias, and a transposed convolution counted at its output positions. Dynamic
inputs get a size in a copy of the model, and every tool reads that copy.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import onnx
import pytest

from benchmarks import peers
from benchmarks.models import light
from benchmarks.results import ROOT, Options, run, say
from sepcost import SepcostError, analyze
from tests import profiled
from tests.strangers.models import SIZES

SHARED = ROOT.parent / "shared" / "models"
DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
KINDS = ("simple", "pytorch-operator", "pytorch-converted")
CLOSE = 0.01
OUTCOMES = ("exact", "within 1%", "wrong", "no count")


def main() -> None:
    """Run this part alone."""
    run("exactness", part, argparse.ArgumentParser(description=__doc__))


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Let every tool count every model that has a witness."""
    models: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for number, (name, path, feeds) in enumerate(sources()):
        if options.quick and number % 8:
            continue
        try:
            still, truths = witness(path, feeds, folder)
        except (
            pytest.skip.Exception,
            Exception,
        ) as error:  # the model does not run
            reason = str(error).replace(f"{path.parent}/", "")
            left_out[name] = " ".join(reason.split())[:120]
            continue
        if not truths[0]:
            continue
        tools = {peers.OURS: ours(still)}
        if options.peers:
            for peer in peers.COUNTING:
                tools[peer] = peers.count(options.peers, peer, still, folder)
        judged = {tool: outcome(count, truths) for tool, count in tools.items()}
        models[name] = {"macs": truths, "outcomes": judged, "tools": tools}
        say(f"{name}: {judged}")
    tools = next(iter(models.values()))["tools"] if models else {}
    summary = {
        tool: {
            one: sum(model["outcomes"][tool] == one for model in models.values())
            for one in OUTCOMES
        }
        for tool in tools
    }
    return {"summary": summary, "models": models, "no_witness": left_out}


def sources() -> Iterator[tuple[str, Path, Path | None]]:
    """Yield name, model, and the folder of stored inputs if there is one."""
    yield from ((path.stem, path, None) for path in sorted(SHARED.glob("*.onnx")))
    yield from ((path.stem, path, None) for path in light())
    for kind in KINDS:
        for folder in sorted((DATA / kind).iterdir()):
            if (folder / "model.onnx").exists():
                yield f"{kind}/{folder.name}", folder / "model.onnx", folder / "test_data_set_0"


def witness(path: Path, stored: Path | None, folder: Path) -> tuple[Path, list[int]]:
    """Return a copy of the model with static inputs, and the MACs of a run.

    There are two counts if the model has transposed convolutions: at inputs and at outputs.
    """
    model = onnx.load(path)
    if stored:
        feeds = profiled.stored_feeds(model, stored)
        bound: Mapping[str, Any] = {"shape": {name: feed.shape for name, feed in feeds.items()}}
        network = analyze(path, **bound).network
    else:
        network = analyze(path, **SIZES.get(path.stem, {})).network
        feeds = profiled.random_feeds(network)
    if "sr" in feeds:
        feeds["sr"][...] = 16000  # silero accepts only this rate
    shapes = {value.name: value.shape or () for value in network.inputs}
    for value in model.graph.input:
        sides = shapes.get(value.name, ())
        for dim, side in zip(value.type.tensor_type.shape.dim, sides, strict=False):
            dim.dim_value = side
    still = folder / f"{path.stem}.onnx"
    onnx.save(model, still)
    runs = profiled.profile(model, feeds, folder)
    products = [one for one in runs if one.node.op_type in peers.PRODUCTS]
    counts = (profiled.multiply_adds, _at_outputs)
    return still, list(dict.fromkeys(sum(count(one) or 0 for one in products) for count in counts))


def _at_outputs(run: profiled.Run) -> int | None:
    """Count a transposed convolution as if it were a convolution to its output."""
    if run.node.op_type != "ConvTranspose":
        return profiled.multiply_adds(run)
    group = next((a.i for a in run.node.attribute if a.name == "group"), 1)
    return prod(run.outputs[0]) * run.inputs[0][1] // group * prod(run.inputs[1][2:])


def ours(path: Path) -> peers.Count:
    """Sum our counts of convolutions and matrix products."""
    try:
        rows = analyze(path).rows
    except SepcostError as error:
        return {"failed": str(error)[:120]}
    counted = [row for row in rows if row.counted and row.layer.op_type in peers.PRODUCTS]
    if any(row.macs is None for row in counted):
        return {"macs": None}
    return {"macs": sum(row.macs or 0 for row in counted)}


def outcome(count: peers.Count, truths: Sequence[int]) -> str:
    """Compare a count with each accepted answer."""
    macs = count.get("macs")
    if macs is None:
        return "no count"
    macs -= count.get("rest", 0)
    if {macs, macs - count.get("biases", 0)} & set(truths):
        return "exact"
    close = any(abs(macs - truth) <= CLOSE * truth for truth in truths)
    return "within 1%" if close else "wrong"


if __name__ == "__main__":
    main()
