"""The route of ``bench``: sources become files, files are measured, times stand beside costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sepcost.cost.count import count
from sepcost.errors import BindingError, SepcostError
from sepcost.latency import roofline
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
    """What gives the models their static shapes, the same for all of them."""

    bind: Mapping[str, int]
    shape: Mapping[str, Sequence[int]]
    alpha: float | None = None
    rho: float | None = None


def measure(
    sources: Sequence[str | Path], sizes: Sizes, settings: Settings, on_progress: OnProgress | None
) -> Bench:
    """Measure every source against the first, with its layers' costs where they were asked for.

    Raises
    ------
    SepcostError
        Where a source cannot be read or has a shape left open.
    MeasurementError
        Where a model cannot be run or timed.
    """
    check(settings, len(sources))
    with TemporaryDirectory(prefix="sepcost-") as folder:
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
        found = bench(files, settings, on_progress)
        for model in models:
            check_unchanged(model.stamps)
    named = replace(found, sources=tuple(map(str, sources)))
    return roofline.beside_cost(named, [count(network, network.name) for network in networks])


def _described(model: Loaded, sizes: Sizes, inputs: str | Path | None) -> Network:
    """Give a model its static shapes; the user's arrays bind what it leaves open."""
    stored = _open_shapes(model, stored_shapes(Path(inputs))) if inputs else {}
    try:
        return describe(model, bind=sizes.bind, shape={**stored, **sizes.shape})
    except BindingError as error:
        if inputs is None:
            raise
        raise BindingError(f"{error} (shapes of arrays in {inputs} count as --shape)") from error


def _open_shapes(model: Loaded, stored: Mapping[str, Shape]) -> dict[str, Shape]:
    """Pick the arrays for inputs with an open dimension; the others are checked when fed."""
    found = {}
    for value in model.proto.graph.input:
        dims = value.type.tensor_type.shape.dim
        if text(value.name) in stored and any(dim.dim_value <= 0 for dim in dims):
            found[text(value.name)] = stored[text(value.name)]
    return found


def _fitting(sizes: Sizes, model: Loaded, models: Sequence[Loaded]) -> Sizes:
    """Leave out what only others of the models know: what none knows is an error in each."""
    elsewhere = frozenset().union(*map(_known, models)) - _known(model)
    return replace(
        sizes,
        bind={name: size for name, size in sizes.bind.items() if name not in elsewhere},
        shape={name: shape for name, shape in sizes.shape.items() if name not in elsewhere},
    )


def _known(model: Loaded) -> frozenset[str]:
    """The names of a model's inputs and of their dimensions."""
    inputs = model.proto.graph.input
    dims = (dim for value in inputs for dim in value.type.tensor_type.shape.dim)
    symbols = (text(dim.dim_param).removeprefix("?") for dim in dims)
    return frozenset({*symbols, *(text(value.name) for value in inputs)})


def _file(model: Loaded, target: Path) -> Path:
    """Return the file that holds a model; a spec and a shipped network get one."""
    if model.path is not None:
        return model.path
    try:
        target.write_bytes(model.proto.SerializeToString())
    except ValueError as error:
        raise SepcostError(f"{model.source}: its weights exceed protobuf's 2 GB") from error
    return target


def names(models: Sequence[Loaded]) -> list[str]:
    """Return short names, or the sources where those repeat."""
    found = [model.name for model in models]
    if len(set(found)) < len(found):
        found = [model.source for model in models]
    return [
        name if found.count(name) == 1 else f"{name} ({found[:k].count(name) + 1})"
        for k, name in enumerate(found)
    ]
