"""The route of ``analyze``: load, describe, count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepcost.cost.analysis import Analysis
from sepcost.cost.count import count
from sepcost.cost.results import Conventions
from sepcost.network import Layer, Network

if TYPE_CHECKING:
    from sepcost.model.free import NamedShape
    from sepcost.model.load import Loaded
    from sepcost.model.walk_state import Observation

Operators = Mapping[tuple[str, str], Callable[[Layer], int]]


def analyze(
    source: str | Path,
    *,
    bind: Mapping[str, int] | None = None,
    shape: NamedShape | None = None,
    trips: Mapping[str, int] | None = None,
    alpha: float | None = None,
    rho: float | None = None,
    observe: bool = False,
    inputs: str | Path | None = None,
    operators: Operators | None = None,
    conventions: Conventions | None = None,
) -> Analysis:
    """Count the cost of a network, layer by layer, as it is and with separable convolutions.

    Parameters
    ----------
    source
        An ONNX file, a TOML layer spec, or the name of a shipped network.
    bind
        Sizes for symbolic dimensions: ``{"N": 8}``.
    shape
        Whole shapes for inputs: ``{"input": (1, 3, 224, 224)}``. A name instead of a size names a
        dimension for ``bind``: ``{"input": (1, 3, "H", "W")}``.
    trips
        Iterations of a Loop or Scan by node name, if the model does not fix them.
    alpha, rho
        Width and resolution multipliers, for layer specs and shipped networks.
    observe
        Run the model once to find shapes and trips that depend on data.
    inputs
        Inputs for that run: an ``.npz`` with one array per input. Default: seeded random numbers.
    operators
        Formulas by ``(domain, op_type)``: usually ``OPERATORS | {("com.acme", "MyOp"): formula}``.
    conventions
        Counting conventions; the README explains the defaults.

    Raises
    ------
    ModelError, SpecError, BindingError
        If the source cannot be read, or a dynamic dimension is unbound.

    Examples
    --------
    >>> import sepcost
    >>> analysis = sepcost.analyze("small-cnn")
    >>> analysis.totals.macs, analysis.totals.separable_macs
    (10585344, 1548544)
    >>> for row in analysis.rows:
    ...     if row.separable and row.separable.eligible:
    ...         print(row.layer.name, row.macs, row.separable.macs)
    conv_1 884736 125952
    conv_2 4718592 598016
    conv_3 4718592 561152
    """
    return sweep(
        source, [bind or {}], shape=shape, trips=trips, alpha=alpha, rho=rho,
        observe=observe, inputs=inputs, operators=operators, conventions=conventions,
    )[0]  # fmt: skip


def sweep(
    source: str | Path,
    binds: Iterable[Mapping[str, int]],
    *,
    shape: NamedShape | None = None,
    trips: Mapping[str, int] | None = None,
    alpha: float | None = None,
    rho: float | None = None,
    observe: bool = False,
    inputs: str | Path | None = None,
    operators: Operators | None = None,
    conventions: Conventions | None = None,
) -> tuple[Analysis, ...]:
    """Analyze one source at several sizes, reading it only once; see ``analyze``.

    Examples
    --------
    >>> import sepcost
    >>> batches = sepcost.sweep("small-cnn", [{"N": 1}, {"N": 8}])
    >>> [analysis.totals.macs for analysis in batches]
    [10585344, 84682752]
    """
    loaded, how = opened(source, {
        "shape": shape, "trips": trips, "alpha": alpha, "rho": rho, "observe": observe,
        "inputs": inputs, "operators": operators, "conventions": conventions,
    })  # fmt: skip
    return tuple(each_size(loaded, source, binds, **how))


def opened(source: str | Path, how: Mapping[str, Any]) -> tuple[Loaded, dict[str, Any]]:
    """Load a source by the arguments of ``analyze``; return also those that ``each_size`` takes."""
    from sepcost.model.free import with_names
    from sepcost.model.load import load

    rest = dict(how)
    alpha, rho, shape = (rest.pop(key, None) for key in ("alpha", "rho", "shape"))
    loaded = load(source, alpha=alpha, rho=rho, weights=bool(how.get("observe")))
    loaded, sizes = with_names(loaded, shape or {})
    return loaded, rest | {"shape": sizes}


def each_size(
    loaded: Loaded,
    source: str | Path,
    binds: Iterable[Mapping[str, int]],
    *,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    observe: bool = False,
    inputs: str | Path | None = None,
    operators: Operators | None = None,
    conventions: Conventions | None = None,
) -> Iterator[Analysis]:
    """Analyze a model that is loaded already, one size after the other; see ``analyze``."""
    from sepcost.model.describe import describe

    for bind in binds:
        network = describe(loaded, bind=bind, shape=shape, trips=trips)
        if observe:
            observed = _observe(loaded, network, inputs)
            network = describe(loaded, bind=bind, shape=shape, trips=trips, observed=observed)
        yield count(network, str(source), operators, conventions)


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
        If the text does not have this form.

    Examples
    --------
    A layer from table 3 of the MobileNets paper:

    >>> import sepcost
    >>> (row,) = sepcost.analyze_convolution("3x3,512,512,14").rows
    >>> row.macs, row.separable.macs, round(row.separable.break_even_rank, 2)
    (462422016, 52283392, 8.84)
    """
    from sepcost.model import convolution

    steps = [f"{sign} {value:g}" for sign, value in (("α", alpha), ("ρ", rho)) if value != 1]
    name = ", ".join([text, *steps])
    network = convolution.network(convolution.parse(text), name, alpha, rho)
    return count(network, text, None, conventions)


def _observe(
    loaded: Loaded, network: Network, inputs: str | Path | None
) -> Mapping[str, Observation]:
    from sepcost.latency.observe import observe

    return observe(loaded, network, inputs=Path(inputs) if inputs else None)
