"""The routes from what a user names to a result; ``import sepcost`` offers them lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sepcost.cost.analysis import Analysis, Conventions
from sepcost.network import Layer, Network

if TYPE_CHECKING:
    from sepcost.latency.results import Bench
    from sepcost.latency.settings import OnProgress, Settings
    from sepcost.model.load import Loaded
    from sepcost.model.walk import Observation

Operators = Mapping[tuple[str, str], Callable[[Layer], int]]


def analyze(
    source: str | Path,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    alpha: float | None = None,
    rho: float | None = None,
    observe: bool = False,
    inputs: str | Path | None = None,
    operators: Operators | None = None,
    conventions: Conventions | None = None,
) -> Analysis:
    """Count what a network costs, layer by layer, and what separable convolution would make of it.

    Parameters
    ----------
    source
        An ONNX file, a TOML layer spec, or the name of a shipped network.
    bind
        Sizes for symbolic dimensions: ``{"N": 8}``.
    shape
        Whole shapes for inputs: ``{"input": (1, 3, 224, 224)}``.
    trips
        How often a Loop or Scan runs, by node name, where the model does not say.
    alpha, rho
        The paper's width and resolution multipliers, for specs and shipped networks.
    observe
        Run the model once to learn shapes and trips that depend on data.
    inputs
        What to feed it then: an ``.npz`` with one array an input; else seeded random numbers.
    operators
        Formulas by ``(domain, op_type)``: usually ``OPERATORS | {("com.acme", "MyOp"): formula}``.
    conventions
        What people disagree on; the defaults are those of the README.

    Raises
    ------
    ModelError, SpecError, BindingError
        Where the source cannot be read, or a dynamic dimension is unbound.
    """
    return sweep(
        source, [bind or {}], shape=shape, trips=trips, alpha=alpha, rho=rho,
        observe=observe, inputs=inputs, operators=operators, conventions=conventions,
    )[0]  # fmt: skip


def sweep(
    source: str | Path,
    binds: Iterable[Mapping[str, int]],
    *,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    alpha: float | None = None,
    rho: float | None = None,
    observe: bool = False,
    inputs: str | Path | None = None,
    operators: Operators | None = None,
    conventions: Conventions | None = None,
) -> tuple[Analysis, ...]:
    """Analyze one source once for each of ``binds``, reading it only once; see ``analyze``."""
    from sepcost.cost.count import count
    from sepcost.model.describe import describe
    from sepcost.model.load import load

    loaded = load(source, alpha=alpha, rho=rho, weights=observe)
    found = []
    for bind in binds:
        network = describe(loaded, bind=bind, shape=shape, trips=trips)
        if observe:
            observed = _observe(loaded, network, inputs)
            network = describe(loaded, bind=bind, shape=shape, trips=trips, observed=observed)
        found.append(count(network, str(source), operators, conventions))
    return tuple(found)


def _observe(
    loaded: Loaded, network: Network, inputs: str | Path | None
) -> Mapping[str, Observation]:
    from sepcost.latency.observe import observe

    return observe(loaded, network, inputs=Path(inputs) if inputs else None)


def bench(
    sources: str | Path | Sequence[str | Path],
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    alpha: float | None = None,
    rho: float | None = None,
    settings: Settings | None = None,
    on_progress: OnProgress | None = None,
) -> Bench:
    """Measure the latency of one model, or of several against the first, in child processes.

    Parameters
    ----------
    sources
        Whatever ``analyze`` takes; one, or several that are interleaved.
    bind, shape, alpha, rho
        As for ``analyze``.
    settings
        Provider, threads, precision and the rest.
    on_progress
        Called with each sign of life and after each launch.

    Raises
    ------
    ModelError, SpecError, BindingError
        Where a source cannot be read, or a dynamic dimension is unbound.
    MeasurementError
        Where a provider is missing, or a model crashes, hangs or runs out of memory.
    """
    from sepcost.latency.route import Sizes, measure
    from sepcost.latency.settings import Settings

    named = [sources] if isinstance(sources, str | Path) else list(sources)
    sizes = Sizes(bind or {}, shape or {}, alpha, rho)
    return measure(named, sizes, settings or Settings(), on_progress)


def analyze_convolution(
    text: str,
    *,
    alpha: float = 1.0,
    rho: float = 1.0,
    conventions: Conventions | None = None,
) -> Analysis:
    """Count a single convolution, ``KERNEL,M,N,SIZE`` in the paper's notation: 3x3,512,512,14.

    Raises
    ------
    SpecError
        Where the text has another form.
    """
    from sepcost.cost.count import count
    from sepcost.model import convolution

    steps = [f"{sign} {value:g}" for sign, value in (("α", alpha), ("ρ", rho)) if value != 1]
    name = ", ".join([text, *steps])
    network = convolution.network(convolution.parse(text), name, alpha, rho)
    return count(network, text, None, conventions)
