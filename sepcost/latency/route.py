"""The route of ``bench``: sources become files, files are measured, times stand beside costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sepcost.cost.count import count
from sepcost.errors import SepcostError
from sepcost.latency import roofline
from sepcost.latency.child import execute
from sepcost.latency.inputs import stored_shapes
from sepcost.latency.jobs import Job, ModelFile
from sepcost.latency.measure import bench
from sepcost.latency.providers import PROVIDERS
from sepcost.latency.results import Bench
from sepcost.latency.settings import OnProgress, Settings
from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.network import Network


@dataclass(frozen=True, slots=True)
class Sizes:
    """What gives the models their static shapes, the same for all of them."""

    bind: Mapping[str, int]
    shape: Mapping[str, Sequence[int]]
    alpha: float | None = None
    rho: float | None = None


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """One execution provider: whether it is usable here, on what, else how to get it."""

    name: str
    usable: bool
    devices: tuple[str, ...] = ()
    get: str = ""


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
    with TemporaryDirectory(prefix="sepcost-") as folder:
        prepared = [
            _prepared(source, sizes, settings, Path(folder) / f"{k}.onnx")
            for k, source in enumerate(sources)
        ]
        names = _names([loaded for loaded, _, _ in prepared])
        files = [
            ModelFile(name, path, network.inputs)
            for name, (_, network, path) in zip(names, prepared, strict=True)
        ]
        found = bench(files, settings, on_progress)
    named = replace(found, sources=tuple(map(str, sources)))
    return roofline.beside_cost(named, [count(network, network.name) for _, network, _ in prepared])


def providers(timeout_s: float = 60.0) -> tuple[ProviderInfo, ...]:
    """List the execution providers, those that are usable here first."""
    usable = execute(Job("providers"), timeout_s)["usable"]
    found = [ProviderInfo(one["provider"], True, tuple(one["devices"])) for one in usable]
    known = {one.name for one in found}
    others = [
        ProviderInfo(name, False, get=one.package)
        for name, one in PROVIDERS.items()
        if name not in known
    ]
    return (*found, *others)


def _prepared(
    source: str | Path, sizes: Sizes, settings: Settings, target: Path
) -> tuple[Loaded, Network, Path]:
    """Return a source with every shape static, and the file that holds it."""
    loaded = load(source, alpha=sizes.alpha, rho=sizes.rho, weights=True)
    shape = dict(sizes.shape)
    if settings.inputs is not None:
        shape = {**stored_shapes(settings.inputs), **shape}
    network = describe(loaded, bind=sizes.bind, shape=shape)
    if loaded.path is not None:
        return loaded, network, loaded.path
    try:
        target.write_bytes(loaded.proto.SerializeToString())
    except ValueError as error:
        raise SepcostError(f"{source}: its weights exceed protobuf's 2 GB") from error
    return loaded, network, target


def _names(models: Sequence[Loaded]) -> list[str]:
    """Return short names, or the sources where those repeat."""
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        names = [model.source for model in models]
    return [
        name if names.count(name) == 1 else f"{name} ({names[:k].count(name) + 1})"
        for k, name in enumerate(names)
    ]
