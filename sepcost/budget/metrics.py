"""Metrics of budgets: one table, metric -> how it is read and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sepcost.budget.results import Bound, Facts
from sepcost.budget.units import Dimension
from sepcost.cost.analysis import Analysis
from sepcost.cost.ranges import extents
from sepcost.cost.results import LayerCost
from sepcost.toml_lines import nearest

VS_BASELINE = "-vs-baseline"

Read = Callable[[Analysis], int | float | Fraction]
LayerRead = Callable[[LayerCost], int | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``read`` is None if the value does not come from an analysis."""

    dimension: Dimension
    read: Read | None = None
    partial: Callable[[Analysis], bool] = lambda _: False  # whether the value is only a lower bound
    layer: LayerRead | None = None  # the contribution of one layer
    bound: Bound = Bound.MAX  # the meaning of a bare value


#: What the file stores, and so counts whichever branch of an If does.
STORED = frozenset({"params", "weights"})


def _headroom(analysis: Analysis) -> Fraction:
    """``macs / separable_macs``, exactly; 1 for an empty network."""
    totals = analysis.totals
    return Fraction(totals.macs, totals.separable_macs) if totals.separable_macs else Fraction(1)


def _uncounted(analysis: Analysis) -> bool:
    return not analysis.coverage.complete


def _lacks(layer: LayerRead) -> Callable[[Analysis], bool]:
    """Whether a counted row has no value for this."""
    return lambda analysis: any(row.counted and layer(row) is None for row in analysis.rows)


def _unsized(analysis: Analysis) -> bool:
    return any(value.shape is None for value in analysis.network.parameters.values())


def _activation(row: LayerCost) -> int | None:
    return row.activation_bytes


def _elementwise(row: LayerCost) -> int | None:
    return row.elementwise_ops


def _saving(row: LayerCost) -> int | None:
    found = row.separable
    if found is None or not found.eligible or found.macs is None or row.macs is None:
        return 0
    return max(0, row.macs - found.macs)


def _flops(row: LayerCost) -> int | None:
    return None if row.macs is None else 2 * row.macs


def _moved(row: LayerCost) -> int | None:
    return row.bytes_moved


COUNT, BYTES, TIME = Dimension.COUNT, Dimension.BYTES, Dimension.TIME

#: Exact: known from the file alone.
EXACT: Mapping[str, Metric] = {
    "macs": Metric(COUNT, lambda a: a.totals.macs, _uncounted, lambda row: row.macs),
    "flops": Metric(COUNT, lambda a: a.totals.flops, _uncounted, _flops),
    "params": Metric(COUNT, lambda a: a.totals.params, _unsized, lambda row: row.params),
    "elementwise-ops": Metric(
        COUNT, lambda a: a.totals.elementwise_ops, _lacks(_elementwise), _elementwise
    ),
    "weights": Metric(
        BYTES, lambda a: a.totals.weight_bytes, _unsized, lambda row: row.weight_bytes
    ),
    "activations": Metric(
        BYTES, lambda a: a.totals.activation_bytes, _lacks(_activation), _activation
    ),
    "peak-activations": Metric(
        BYTES, lambda a: a.totals.peak_activation_bytes, _lacks(_activation)
    ),
    "bytes-moved": Metric(
        BYTES,
        lambda a: a.totals.bytes_moved,
        _lacks(_moved),
        _moved,
    ),
    "separable-macs": Metric(COUNT, lambda a: a.totals.separable_macs, _uncounted),
    "separable-params": Metric(COUNT, lambda a: a.totals.separable_params, _unsized),
    "separable-headroom": Metric(Dimension.FACTOR, _headroom, _uncounted, _saving),
    "layers": Metric(COUNT, lambda a: len(a.rows), layer=lambda _: 1),
    "uncounted-layers": Metric(COUNT, lambda a: a.coverage.unknown + a.coverage.unresolved),
    "file-size": Metric(BYTES),
}

#: Measured: known from running the model.
MEASURED: Mapping[str, Metric] = {
    "latency": Metric(TIME),
    "create-time": Metric(TIME),
    "first-run": Metric(TIME),
    "peak-memory": Metric(BYTES),
    "nodes-on-provider": Metric(Dimension.SHARE, bound=Bound.MIN),
    "max-output-error": Metric(Dimension.NUMBER),
    "min-output-cosine": Metric(Dimension.NUMBER, bound=Bound.MIN),
    "min-top1-agreement": Metric(Dimension.SHARE, bound=Bound.MIN),
}

#: Measured metrics that compare outputs with those of the baseline model, for the worst output;
#: the error is ``‖a - b‖ / ‖a‖``, with a from the baseline.
OUTPUTS = frozenset({"max-output-error", "min-output-cosine", "min-top1-agreement"})

#: Measured metrics that are compared with the baseline model, run in the same processes.
AGAINST_BASELINE = frozenset({"latency", "peak-memory"})

#: Metrics of one layer.
PER_LAYER: Mapping[str, Metric] = {
    name: EXACT[name]
    for name in (
        "macs", "flops", "params", "elementwise-ops", "weights", "activations", "bytes-moved",
    )
}  # fmt: skip

METRICS: Mapping[str, Metric] = {**EXACT, **MEASURED}

#: Names used elsewhere or in JSON, with the metric they mean; ``_`` equals ``-``.
SYNONYMS: Mapping[str, str] = {
    "mult_adds": "macs",
    "multiply_adds": "macs",
    "parameters": "params",
    "size": "file-size",
    "file_bytes": "file-size",
    "memory": "peak-memory",
    "peak_memory_bytes": "peak-memory",
    "peak_activation_bytes": "peak-activations",
    "activation_bytes": "activations",
    "weight_bytes": "weights",
    "reduction": "separable-headroom",
    "headroom": "separable-headroom",
    "time": "latency",
    "runtime": "latency",
    "ops": "forbid-ops",
    "accuracy": "max-output-error",
}


def base(metric: str) -> str:
    """The metric without its suffix: ``macs`` for ``macs-vs-baseline``."""
    return metric.removesuffix(VS_BASELINE)


def measured(metric: str) -> bool:
    """Whether a budget needs the model to run."""
    return base(metric) in MEASURED


def names() -> tuple[str, ...]:
    """Every metric that a budget can name."""
    against = [*EXACT, *sorted(AGAINST_BASELINE)]
    special = ("forbid-ops", "per-layer")
    return (*METRICS, *(f"{metric}{VS_BASELINE}" for metric in against), *special)


def suggested(key: str, known: Iterable[str]) -> str:
    """Suggest the nearest known key, or list the keys, without comparisons with the baseline."""
    words = frozenset(known)
    near = nearest(key, words, SYNONYMS)
    short = {word for word in words if not word.endswith(VS_BASELINE)}
    if not near.startswith("; choose") or short == words:
        return near
    return f"{nearest(key, short)}; most also accept the suffix {VS_BASELINE}"


def facts(
    model: str,
    analysis: Analysis,
    file_bytes: int | None = None,
    missing: Sequence[str] = (),
) -> Facts:
    """The exact metrics of one model.

    Parameters
    ----------
    model
        Its name in reports.
    analysis
        Its analysis.
    file_bytes
        Its size on disk; None if the model has no file of its own.
    missing
        Files of external data that are missing or truncated, and so not in the size.
    """
    values = {key: Fraction(metric.read(analysis)) for key, metric in EXACT.items() if metric.read}
    if file_bytes is not None:
        values["file-size"] = Fraction(file_bytes)
    least = frozenset(key for key, metric in EXACT.items() if metric.partial(analysis))
    coverage = analysis.coverage
    uncounted = coverage.unknown + coverage.unresolved
    if not missing:
        return Facts(model, values, least, analysis, uncounted)
    return Facts(model, values, least | {"file-size"}, analysis, uncounted, tuple(missing))


def facts_of_range(
    figures: Iterable[tuple[Mapping[str, int], Facts]],
) -> Facts:
    """The metrics of one model over a range of sizes: the most of each, and their extents.

    The analysis is that of the sizes with the most MACs.
    """
    most: Facts | None = None
    least: frozenset[str] = frozenset()
    seen: list[tuple[Mapping[str, int], Mapping[str, Fraction]]] = []
    for sizes, known in figures:
        seen.append((sizes, known.values))
        least |= known.least
        if most is None or known.values["macs"] > most.values["macs"]:
            most = known
    assert most is not None
    found = extents(seen)
    values = {name: Fraction(extent.most) for name, extent in found.items()}
    return replace(most, values=values, least=least, extents=found)
