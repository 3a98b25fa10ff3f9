"""A random network as a file, and its analysis or conversion."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx

from sepcost.cost.analysis import Analysis
from sepcost.routes.analyze import analyze
from sepcost.routes.convert import convert
from sepcost.separable.conversion import Conversion
from sepcost.separable.settings import Aim, ConvertSettings, Goal
from tests.laws.models import Net


@contextmanager
def saved(model: onnx.ModelProto) -> Iterator[Path]:
    """Write a model into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        onnx.save(model, path)
        yield path


def counted(net: Net, model: onnx.ModelProto | None = None) -> Analysis:
    """Analyze a network, or a variant of it."""
    with saved(net.model if model is None else model) as path:
        return analyze(path, bind=net.bind)


def converted(
    net: Net, path: Path, aim: Aim, value: float, inputs: Path | None = None
) -> tuple[Conversion, onnx.ModelProto]:
    """Convert the file of a network; if nothing is written, return the original."""
    target = path.with_name("converted.onnx")
    settings = ConvertSettings(Goal(aim, value), dense=True, inputs=inputs, verify=False)
    found = convert(path, target, bind=net.bind, settings=settings, force=True)
    assert target.exists() == bool(found.written)
    return found, onnx.load(target if found.written else path)
