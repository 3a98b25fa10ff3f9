"""The route of ``bench``: sources -> files -> measurements, combined with costs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sepcost.cost.count import count
from sepcost.errors import BindingError, SepcostError
from sepcost.latency import roofline
from sepcost.latency.hosts.place import place
from sepcost.latency.inputs import stored_shapes
from sepcost.latency.jobs import ModelFile
from sepcost.latency.measure import bench
from sepcost.latency.results import Bench
from sepcost.latency.settings import OnProgress, Settings, check
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.model.stamp import check_unchanged
from sepcost.model.values import text
from sepcost.network import Network, Shape


@dataclass(frozen=True, slots=True)
class Sizes:
    """Settings that give all models their static shapes."""

    bind: Mapping[str, int]
    shape: Mapping[str, Sequence[int]]
    alpha: float | None = None
    rho: float | None = None


def measure(
    sources: Sequence[str | Path], sizes: Sizes, settings: Settings, on_progress: OnProgress | None
) -> Bench:
    """Measure every source against the baseline, with the costs of its layers if asked for.

    Raises
    ------
    SepcostError
        A source cannot be read, or its shapes are not static.
    MeasurementError
        A model cannot be run or timed.
    """
    check(settings, len(sources))
    with TemporaryDirectory(prefix="sepcost-") as folder, place(settings.host) as where:
        models = [load(s, alpha=sizes.alpha, rho=sizes.rho, weights=True) for s in sources]
        networks = [
            _described(model, _fitting(sizes, model, models), settings.inputs) for model in models
        ]
        files = [
            ModelFile(name, _file(model, Path(folder) / f"{k}.onnx"), network.inputs)
            for k, (name, model, network) in enumerate(
                zip(names(models), models, networks, strict=True)
            )
        ]
        measured = bench(files, settings, on_progress, execute=where.execute, facts_of=where.facts)
        for model in models:
            check_unchanged(model.stamps)
    named = replace(measured, sources=tuple(map(str, sources)))
    counted = [count(network, network.name) for network in networks]
    return roofline.beside_cost(named, counted * len(settings.each_set()))


def _described(model: Loaded, sizes: Sizes, inputs: str | Path | None) -> Network:
    """Describe a model with static shapes; the user's arrays bind the remaining dimensions."""
    stored = _open_shapes(model, stored_shapes(Path(inputs))) if inputs else {}
    try:
        return describe(model, bind=sizes.bind, shape={**stored, **sizes.shape})
    except BindingError as error:
        if not stored.keys() - sizes.shape.keys():
            raise
        raise BindingError(
            re.sub(r"--shape (\S+)", lambda said: f"the shape {said[1]} in {inputs}", str(error))
        ) from error


def _open_shapes(model: Loaded, stored: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes of arrays for inputs with a dynamic dimension; others are checked when fed."""
    shapes = {}
    for value in model.proto.graph.input:
        dims = value.type.tensor_type.shape.dim
        if text(value.name) in stored and any(dim.dim_value <= 0 for dim in dims):
            shapes[text(value.name)] = stored[text(value.name)]
    return shapes


def _fitting(sizes: Sizes, model: Loaded, models: Sequence[Loaded]) -> Sizes:
    """Drop sizes of names that only other models have; unknown names stay, as errors."""
    elsewhere = frozenset().union(*map(_known, models)) - _known(model)
    return replace(
        sizes,
        bind={name: size for name, size in sizes.bind.items() if name not in elsewhere},
        shape={name: shape for name, shape in sizes.shape.items() if name not in elsewhere},
    )


def _known(model: Loaded) -> frozenset[str]:
    """Names of a model's inputs and of their dimensions."""
    inputs = model.proto.graph.input
    dims = (dim for value in inputs for dim in value.type.tensor_type.shape.dim)
    symbols = (text(dim.dim_param).removeprefix("?") for dim in dims)
    return frozenset({*symbols, *(text(value.name) for value in inputs)})


def _file(model: Loaded, target: Path) -> Path:
    """Return the model's file; specs and shipped networks are written to one."""
    if model.path is not None:
        return model.path
    try:
        target.write_bytes(model.proto.SerializeToString())
    except ValueError as error:
        raise SepcostError(f"{model.source}: its weights exceed protobuf's 2 GB") from error
    return target


def names(models: Sequence[Loaded]) -> list[str]:
    """Return short names, or the sources if those repeat."""
    chosen = [model.name for model in models]
    if len(set(chosen)) < len(chosen):
        chosen = [model.source for model in models]
    return [
        name if chosen.count(name) == 1 else f"{name} ({chosen[:k].count(name) + 1})"
        for k, name in enumerate(chosen)
    ]
