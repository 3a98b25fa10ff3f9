"""The readers of user input, in one table: each is a function of bytes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

import sepcost
from sepcost.budget import baseline as baselines
from sepcost.budget import config as configs
from sepcost.budget.flags import given, written
from sepcost.cli import convert_parse, parse
from sepcost.errors import SepcostError
from sepcost.latency import machine_file
from sepcost.latency.inputs import stored_inputs
from sepcost.model import strip_weights as stripping
from sepcost.network import Role, Value
from sepcost.separable.data.calibrate import open_data
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.data.samples import Input
from sepcost.separable.settings import ConvertSettings, check
from tests.fuzz import seeds


@dataclass(frozen=True, slots=True)
class Target:
    """A reader and the seeds of its fuzzing."""

    read: Callable[[bytes, Path], object]  # given the input and an empty folder for files
    seeds: Callable[[], Sequence[bytes]]
    words: Sequence[str] = ()  # libFuzzer's dictionary
    structured: bool = False  # an ONNX file: mutate its fields as well as its bytes


def accepts(name: str, data: bytes) -> bool:
    """Read ``data``; return whether it was accepted. Any other exception is a finding.

    Raises
    ------
    Exception
        Whatever the reader let through, or an AssertionError if its message has several lines.
    """
    with tempfile.TemporaryDirectory(prefix="sepcost-fuzz-") as folder:
        try:
            TARGETS[name].read(data, Path(folder))
        except SepcostError as error:
            line = str(error)
        else:
            return True
    assert line, "an error without a message"
    assert line.isprintable(), "a message of several lines"
    return False


def _stored(data: bytes, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# models


def strip_weights(data: bytes, folder: Path) -> None:
    """A model that protobuf parses keeps its nodes when its weights are stripped."""
    stripping.INLINE_BYTES = 16  # so that small files have weights to strip
    try:
        stripped = stripping.strip(_stored(data, folder, "m.onnx"), "m.onnx")
    finally:
        stripping.INLINE_BYTES = 4096
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError:
        return
    again = onnx.ModelProto.FromString(stripped.data)
    names = [[node.name for node in one.graph.node] for one in (model, again)]
    assert names[0] == names[1], "stripping weights changed the nodes"


def analyze(data: bytes, folder: Path) -> None:
    """Run all of ``sepcost analyze``, up to the JSON."""
    analysis = sepcost.analyze(_stored(data, folder, "m.onnx"))
    json.dumps(analysis.to_dict(), allow_nan=False)


def layer_spec(data: bytes, folder: Path) -> None:
    """Count a layer spec."""
    sepcost.analyze(_stored(data, folder, "net.toml"))


# configurations and documents


def config(data: bytes, folder: Path) -> None:
    """Read ``sepcost.toml``, or pyproject.toml if the first byte is a hash."""
    name = configs.PYPROJECT if data.startswith(b"#") else configs.OWN
    configs.read(_stored(data, folder, name))
    configs.find(folder)


def baseline(data: bytes, folder: Path) -> None:
    """Read a baseline and write it again."""
    found = baselines.read(_stored(data, folder, "baseline.json"))
    facts = [one for model in found if (one := baselines.facts(found, model))]
    again = baselines.parsed(baselines.updated(found, facts).text, Path("again.json"))
    assert {model: again[model] for model in found} == found, "writing changed the baseline"


def machine(data: bytes, folder: Path) -> None:
    """``--on``: peaks are above 0."""
    found = machine_file.read(_stored(data, folder, "pi5.toml"))
    assert found.macs_per_second > 0
    assert found.bytes_per_second > 0


# arrays


def inputs(data: bytes, folder: Path) -> None:
    """``--inputs``: an archive that must match the model's inputs."""
    values = [Value("x", (2, 3), "float32", Role.INPUT), Value("i", (1,), "int64", Role.INPUT)]
    stored_inputs(_stored(data, folder, "x.npz"), values)


def calibration(data: bytes, folder: Path) -> None:
    """``--calibrate``: an archive of any number of samples."""
    _calibrated(_stored(data, folder, "x.npz"))


def calibration_folder(data: bytes, folder: Path) -> None:
    """``--calibrate``: a folder of arrays."""
    _stored(data, folder, "0.npy")
    _calibrated(folder)


def _calibrated(path: Path) -> None:

    found = open_data(path, [Input("x", "float32", (None, 2, 3))], ImageFormat())
    found.split()
    for batch in found.batches(64):
        assert batch["x"].shape[1:] == (2, 3), "a batch with the wrong shape"


# options


def options(data: bytes, _: Path) -> None:
    """Parse what was typed: the first line names the parser, the rest is its text."""
    name, *typed = data.decode("utf-8", "replace").split("\n")
    parser = PARSERS.get(name)
    if parser is not None and typed:
        parser(typed)


def _provider_options(typed: list[str]) -> object:

    return parse.provider_options(typed[1:], parse.providers(typed[0]))


def _goal(typed: list[str]) -> object:

    texts = (typed + [""] * 4)[:4]
    rank, error, drop, macs = (text or None for text in texts)
    found = convert_parse.goals(convert_parse.Goals(rank, None, macs, drop, error))
    check(ConvertSettings(*found))
    return found


def _one(parser: Callable[..., object], *before: Any) -> Callable[[list[str]], object]:
    """Parse an option that is given once."""
    return lambda typed: parser(*before, typed[0])


def _all(parser: Callable[..., object], *before: Any) -> Callable[[list[str]], object]:
    """Parse an option that may be given several times."""
    return lambda typed: parser(*before, typed)


def _budgets(typed: list[str]) -> object:

    return given(written(typed))


PARSERS: Mapping[str, Callable[[list[str]], object]] = {
    "bind": _all(parse.sweep),
    "shape": _all(parse.shapes),
    "named-shape": _all(parse.named_shapes),
    "trips": _all(parse.trips),
    "session": _all(parse.settings, "--session-option"),
    "provider": _one(parse.providers),
    "provider-option": _provider_options,
    "fraction": _one(parse.fraction, "--macs"),
    "percentiles": _one(parse.percentiles),
    "goal": _goal,
    "forms": _one(convert_parse.forms),
    "numbers": _one(convert_parse.numbers, "--mean"),
    "size": _one(convert_parse.size),
    "passes": _one(convert_parse.passes),
    "conv": _one(sepcost.analyze_convolution),
    "budget": _budgets,
}


TARGETS: Mapping[str, Target] = {
    "strip-weights": Target(strip_weights, seeds.models, structured=True),
    "analyze": Target(analyze, seeds.models, structured=True),
    "layer-spec": Target(layer_spec, seeds.specs, seeds.SPEC_WORDS),
    "config": Target(config, seeds.configs, seeds.CONFIG_WORDS),
    "baseline": Target(baseline, seeds.baselines, seeds.BASELINE_WORDS),
    "machine": Target(machine, seeds.machines, seeds.MACHINE_WORDS),
    "inputs": Target(inputs, seeds.archives),
    "calibration": Target(calibration, seeds.archives),
    "calibration-folder": Target(calibration_folder, seeds.arrays),
    "options": Target(options, seeds.typed, seeds.OPTION_WORDS),
}
