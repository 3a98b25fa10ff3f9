"""The routes from what a user names to a result; ``import sepcost`` offers them lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sepcost.cost.analysis import Analysis, Conventions
from sepcost.network import Layer, Network

if TYPE_CHECKING:
    from sepcost.budget.results import Check
    from sepcost.cost.diff import Diff
    from sepcost.latency.results import Bench
    from sepcost.latency.settings import OnProgress, Settings
    from sepcost.model.load import Loaded
    from sepcost.model.walk import Observation
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.settings import ConvertSettings

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
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    alpha: float | None = None,
    rho: float | None = None,
    observe: bool = False,
    inputs: str | Path | None = None,
    operators: Operators | None = None,
    conventions: Conventions | None = None,
) -> tuple[Analysis, ...]:
    """Analyze one source once for each of ``binds``, reading it only once; see ``analyze``.

    Examples
    --------
    >>> import sepcost
    >>> batches = sepcost.sweep("small-cnn", [{"N": 1}, {"N": 8}])
    >>> [analysis.totals.macs for analysis in batches]
    [10585344, 84682752]
    """
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
        Whatever ``analyze`` takes; one, or several that are interleaved. With none and
        ``Settings(machine=True)``, only the machine's own peaks are measured, anew.
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

    Examples
    --------
    >>> import sepcost
    >>> quick = sepcost.Settings(max_time_s=0.5, min_launches=1, max_launches=1)
    >>> found = sepcost.bench(["small-cnn", "squeezenet-1.1"], settings=quick)
    >>> [model.name for model in found.models if model.latency.estimate > 0]
    ['small-cnn', 'squeezenet-1.1']
    >>> (pair,) = found.comparisons  # pair.ratio is b / a, with its interval; pair.words says it
    >>> pair.a, pair.b
    ('small-cnn', 'squeezenet-1.1')
    """
    from sepcost.latency.settings import Settings

    named = [sources] if isinstance(sources, str | Path) else list(sources)
    settings = settings or Settings()
    if settings.machine and not named:
        from sepcost.latency.survey import machine_alone

        return machine_alone(settings, on_progress)
    from sepcost.latency.route import Sizes, measure

    sizes = Sizes(bind or {}, shape or {}, alpha, rho)
    return measure(named, sizes, settings, on_progress)


def convert(
    source: str | Path,
    target: str | Path | None = None,
    *,
    settings: ConvertSettings | None = None,
    force: bool = False,
    frontier: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> Conversion:
    """Convert regular convolutions into separable ones, and write the model where the goal is met.

    Parameters
    ----------
    source
        Whatever ``analyze`` takes.
    target
        Where the model goes; None only plans and measures.
    settings
        The goal, calibration data, forms, provider and the rest.
    force
        Whether to write over a file that is there, and a model that misses the goal.
    frontier
        Whether to carry out plans all along the curve of error against cost.
    on_progress
        Called with what goes on.

    Raises
    ------
    ModelError, SpecError, BindingError
        Where the source cannot be read, or a dynamic dimension is unbound.
    ConversionError
        Where the data, the weights or the target is at fault; nothing is written then.
    MeasurementError
        Where a model cannot be run or timed.

    Examples
    --------
    Without a target it only plans: here every eligible convolution at rank 1.

    >>> import sepcost
    >>> goal = sepcost.Goal(sepcost.Aim.RANK, 1)
    >>> found = sepcost.convert(
    ...     "small-cnn", settings=sepcost.ConvertSettings(goal, verify=False)
    ... )
    >>> len(found.plan.choices), found.before.totals.macs, found.after.totals.macs
    (3, 10585344, 1548544)
    """
    from sepcost.separable import convert as route
    from sepcost.separable.settings import ConvertSettings

    wanted = route.Wanted(Path(target) if target is not None else None, force, frontier)
    tell = on_progress or (lambda _: None)
    return route.convert(source, settings or ConvertSettings(), wanted, tell)


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

    Examples
    --------
    A layer of table 3 of the MobileNets paper:

    >>> import sepcost
    >>> (row,) = sepcost.analyze_convolution("3x3,512,512,14").rows
    >>> row.macs, row.separable.macs, round(row.separable.break_even_rank, 2)
    (462422016, 52283392, 8.84)
    """
    from sepcost.cost.count import count
    from sepcost.model import convolution

    steps = [f"{sign} {value:g}" for sign, value in (("α", alpha), ("ρ", rho)) if value != 1]
    name = ", ".join([text, *steps])
    network = convolution.network(convolution.parse(text), name, alpha, rho)
    return count(network, text, None, conventions)


def check(
    sources: str | Path | Sequence[str | Path] = (),
    *,
    config: str | Path | None = None,
    budgets: Mapping[str, object] | None = None,
    baseline: str | None = None,
    allow_unknown: bool | None = None,
    exact_only: bool = False,
    jobs: int = 1,
) -> Check:
    """Judge models by their cost budgets; nothing is written.

    Parameters
    ----------
    sources
        Models to check; all that the configuration names where there are none.
    config
        A ``pyproject.toml`` or ``sepcost.toml``; else it is looked for from here upwards.
    budgets
        More of them, for every model: ``{"macs": "600 M", "forbid-ops": ["Loop"]}``.
    baseline
        ``git:REVISION``, a model, or a JSON file, in the place of the configuration's.
    allow_unknown
        Let a budget pass with a warning where the model could not be counted in full.
    exact_only
        Leave out budgets that need the model to run.
    jobs
        Processes that count. More than one needs ``if __name__ == "__main__"`` in a script.

    Raises
    ------
    BudgetError
        Where the configuration is broken, or a baseline is not to be had.
    ModelError, SpecError, BindingError, MeasurementError
        Where a model cannot be read, counted or measured.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.check("small-cnn", budgets={"macs": "10 M", "params": "400 k"})
    >>> found.ok, [(verdict.metric, str(verdict.status)) for verdict in found.verdicts]
    (False, [('macs', 'fail'), ('params', 'ok')])
    """
    from functools import partial

    from sepcost.budget.flags import given
    from sepcost.gate.check import Question
    from sepcost.gate.check import check as judge
    from sepcost.gate.measure import measure

    named = [sources] if isinstance(sources, str | Path) else sources
    question = Question(
        tuple(map(str, named)), None if config is None else Path(config), given(budgets or {}),
        baseline=baseline, allow_unknown=allow_unknown, exact_only=exact_only, jobs=jobs,
    )  # fmt: skip
    return judge(question, analyze, partial(measure, bench))


def diff(
    old: str | Path | Analysis,
    new: str | Path | Analysis,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
) -> Diff:
    """Tell what changed between two models: layers added, removed and changed, with their cost.

    Layers are matched by identity and structure. The values of weights are not compared.

    Parameters
    ----------
    old, new
        Whatever ``analyze`` takes, or what it returned.
    bind, shape
        As for ``analyze``, the same for both.

    Raises
    ------
    ModelError, SpecError, BindingError
        Where a source cannot be read, or a dynamic dimension is unbound.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.diff("small-cnn", sepcost.analyze("small-cnn", alpha=0.5))
    >>> found.total("macs")
    (10585344, 2867840)
    """
    from sepcost.cost.diff import diff as compare

    sides = [
        side if isinstance(side, Analysis) else analyze(side, bind=bind, shape=shape)
        for side in (old, new)
    ]
    return compare(*sides)
