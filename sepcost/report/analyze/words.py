"""An analysis in words, the same in every format. Nothing is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sepcost.cost.analysis import Analysis
from sepcost.cost.document import operators
from sepcost.cost.results import CountStatus, LayerCost
from sepcost.network import Value
from sepcost.report.columns import Style
from sepcost.report.labels import bindings, label, operations, operator, title
from sepcost.report.units import dims, human, times

NAMED = 3  # layers named per reason
OPERATORS = 6  # operators named in the header


def model_names(analyses: Sequence[Analysis]) -> dict[str, str]:
    """The name of each source's network; the source if networks share their names."""
    found = {analysis.source: analysis.network.name or analysis.source for analysis in analyses}
    shared = len(set(found.values())) < len(found)
    return {source: source for source in found} if shared else found


def titles(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    """A name for each analysis; if names repeat, with the bindings."""
    named = model_names(analyses)
    found = [named[analysis.source] for analysis in analyses]
    if len(set(found)) == len(found):
        return tuple(found)
    return tuple(
        f"{name} {bindings(analysis)}".rstrip()
        for name, analysis in zip(found, analyses, strict=True)
    )


def headline(analysis: Analysis, style: Style, name: str) -> str:
    """The line that sums up: ``vgg16: 15.5 G MACs, 138.4 M params; 8.10× fewer MACs if ...``."""
    totals, unit = analysis.totals, title(style.unit)
    least = "" if analysis.coverage.complete else "at least "
    text = f"{name}: {least}{operations(totals.macs, style.unit)} {unit}, "
    text += f"{human(totals.params)} params"
    if any(row.convolution for row in analysis.rows):
        text += f"; {_promise(analysis)}"
    return text


def _promise(analysis: Analysis) -> str:
    totals = analysis.totals
    if totals.reduction < 1.005:
        return "no convolution worth separating"
    return f"{times(totals.reduction)} fewer MACs if separable"


def details(analysis: Analysis, style: Style) -> Iterator[str]:
    """Further totals: separable, memory, per item of the batch."""
    totals, network = analysis.totals, analysis.network
    least = "" if analysis.coverage.complete else "at least "
    if totals.separable_macs < totals.macs:
        macs = least + operations(totals.separable_macs, style.unit)
        yield f"separable: {macs} {title(style.unit)}, {human(totals.separable_params)} params"
    yield (
        f"{human(totals.weight_bytes, 'B')} of weights, "
        f"{least}{human(totals.peak_activation_bytes, 'B')} peak activations, "
        f"{least}{human(totals.elementwise_ops)} elementwise ops"
    )
    if moved := _moved(analysis):
        yield moved
    if network.batch and network.batch > 1:
        macs = least + operations(totals.macs // network.batch, style.unit)
        yield f"{macs} {title(style.unit)} per item of the batch of {network.batch}"


def _moved(analysis: Analysis) -> str:
    """Bytes moved by all layers, and FLOPs for each; empty if nothing is moved."""
    totals = analysis.totals
    if totals.intensity is None:
        return ""
    open_ = any(row.counted and row.bytes_moved is None for row in analysis.rows)
    least = "at least " if open_ or analysis.coverage.unresolved else ""
    exact = not least and analysis.coverage.complete
    intensity = f", {totals.intensity:.1f} FLOPs per byte" if exact else ""
    return f"{least}{human(totals.bytes_moved, 'B')} moved by the layers{intensity}"


def inputs(analysis: Analysis) -> str:
    """The first inputs with shape and type: ``x 1×3×224×224 float32``."""
    return _tensors(analysis.network.inputs)


def outputs(analysis: Analysis) -> str:
    """The first outputs with shape and type; empty for a single convolution."""
    values = analysis.network.values
    return _tensors([values[name] for name in analysis.network.outputs if name in values])


def _tensors(values: Sequence[Value]) -> str:
    shown = [
        f"{value.name} {dims(value.shape) if value.shape is not None else '?'} {value.dtype}"
        for value in values[:4]
    ]
    more = len(values) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more else shown)


def contents(analysis: Analysis) -> str:
    """Versions, and how many layers each operator has: ``opset 17, IR 8; 13 Conv, 5 MaxPool``."""
    network = analysis.network
    opset = network.opsets.get("", network.opsets.get("ai.onnx"))
    versions = [f"opset {opset}"] if opset else []
    if network.ir_version:
        versions.append(f"IR {network.ir_version}")
    counts = [f"{count} {name}" for name, count in operators(network).items()]
    more = len(counts) - OPERATORS
    shown = counts if more <= 1 else [*counts[:OPERATORS], f"{more} other operators"]
    return "; ".join(filter(None, (", ".join(versions), ", ".join(shown))))


def uncounted(analysis: Analysis) -> list[tuple[str, str, list[str], int]]:
    """Uncounted rows as ``(operator, reason, first names, how many)``, most frequent first."""
    if analysis.coverage.complete:  # a branch that never runs does not matter
        return []
    rows = [
        row for row in analysis.rows if row.status in {CountStatus.UNKNOWN, CountStatus.UNRESOLVED}
    ]
    counts = Counter(_cause(row) for row in rows)
    names: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        names.setdefault(_cause(row), []).append(label(row.layer))
    return [(*cause, names[cause][:NAMED], count) for cause, count in counts.most_common()]


def _cause(row: LayerCost) -> tuple[str, str]:
    return operator(row.layer), row.reason or row.status.value
