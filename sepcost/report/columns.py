"""The columns of the tables that people read: a header, a cell, and how soon to leave it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sepcost.cost.analysis import Analysis, CountStatus, Group, LayerCost, Separable
from sepcost.network import Layer
from sepcost.report.units import bar, dims, human, per_side, percent, times, trivial

Row = TypeVar("Row")

BAR = 6


@dataclass(frozen=True, slots=True)
class Style:
    """How numbers are written."""

    unit: str = "macs"  # macs | flops
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. ``rank`` says in which order columns claim the width: 0 is always there."""

    header: str
    cell: Callable[[Row], str]
    rank: int = 0
    right: bool = True
    untrusted: bool = False  # the cell holds text from the model
    role: str = ""  # name, words: take the width left; saving, share: may be coloured


def operations(macs: int | None, unit: str) -> str:
    """MACs in the unit asked for, FLOPs = 2 * MACs; ``?`` where unknown."""
    if macs is None:
        return "?"
    return human(macs if unit == "macs" else 2 * macs)


def title(unit: str) -> str:
    """What the numbers of ``operations`` are."""
    return "MACs" if unit == "macs" else "FLOPs"


def label(layer: Layer) -> str:
    """The name a person knows the layer by: its scope before it, its id where it has no name."""
    name = layer.name or layer.id
    if not layer.scope or name.startswith(layer.scope):
        return name
    return f"{layer.scope}/{name}"


def operator(layer: Layer) -> str:
    """The op_type, with its domain where that is not ONNX's own."""
    return f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type


def geometry(row: LayerCost) -> str:
    """A convolution's kernel, then what is not one: ``3×3 /2 d2 g32`` (stride, dilation, group)."""
    conv = row.convolution
    if conv is None:
        return ""
    parts = [dims(conv.kernel)]
    if not trivial(conv.strides):
        parts.append(f"/{per_side(conv.strides)}")
    if not trivial(conv.dilations):
        parts.append(f"d{per_side(conv.dilations)}")
    if conv.group != 1:
        parts.append(f"g{conv.group}")
    return " ".join(parts)


def saving(separable: Separable | None) -> str:
    """``8.84× fewer`` where a convolution can be separated, else why it cannot."""
    if separable is None:
        return ""
    if not separable.eligible:
        return separable.reason or "not eligible"
    return f"{times(1 / separable.ratio)} fewer" if separable.ratio else ""


def output_shape(row: LayerCost) -> str:
    """The first output's shape."""
    return dims(row.layer.outputs[0]) if row.layer.outputs else ""


@dataclass(frozen=True, slots=True)
class Share:
    """Percentages of a whole, with bars that the largest part fills."""

    whole: int
    largest: int
    bars: bool

    def cell(self, part: int | None) -> str:
        """A bar, if asked for, and a percentage; nothing for nothing."""
        if not part or not self.whole:
            return ""
        text = f"{percent(part / self.whole):>5}"
        return f"{bar(part / self.largest, BAR)} {text}" if self.bars else text


def _shares(whole: int, parts: Iterable[int | None], style: Style) -> Share:
    return Share(whole, max((part or 0 for part in parts), default=0), style.bars)


def _number(value: float | None) -> str:
    return "" if value is None else human(value)


def _bytes(value: int | None) -> str:
    return "" if value is None else human(value, "B")


def _marked(row: LayerCost, style: Style) -> str:
    """A row outside the totals stands in brackets; one without a cost stays blank."""
    if row.status is CountStatus.FREE and not row.macs:
        return ""
    text = operations(row.macs, style.unit)
    return text if row.counted else f"({text})"


def layer_columns(analysis: Analysis, style: Style) -> tuple[Column[LayerCost], ...]:
    """The columns of one row a layer, in the order they stand in."""
    unit = style.unit
    share = _shares(analysis.totals.macs, (row.macs for row in analysis.rows if row.counted), style)

    def separable(row: LayerCost) -> Separable | None:
        return row.separable if row.separable and row.separable.eligible else None

    def part(row: LayerCost) -> str:
        return share.cell(row.macs if row.counted else None)

    def separable_macs(row: LayerCost) -> str:
        found = separable(row)
        return operations(found.macs, unit) if found else ""

    def break_even(row: LayerCost) -> str:
        found = separable(row)
        return f"{found.break_even_rank:.2f}" if found and found.break_even_rank else ""

    def trips(row: LayerCost) -> str:
        return {1: "", None: "?"}.get(row.layer.trips, f"×{row.layer.trips}")

    return (
        Column("layer", lambda row: label(row.layer), 0, False, True, "name"),
        Column("op", lambda row: operator(row.layer), 0, False, True),
        Column("trips", trips, 1),
        Column("kernel", geometry, 5, False),
        Column("output", output_shape, 2, False),
        Column(title(unit), lambda row: _marked(row, style), 0),
        Column("share", part, 3, role="share"),
        Column("params", lambda row: _number(row.params or None), 6),
        Column("moved", lambda row: _bytes(row.bytes_moved), 9),
        Column("FLOPs/B", lambda row: f"{row.intensity:.1f}" if row.intensity else "", 8),
        Column(f"sep. {title(unit)}", separable_macs, 7),
        Column("separable", lambda row: saving(row.separable), 4, False, True, "saving"),
        Column("break-even", break_even, 10),
    )


def group_columns(
    analysis: Analysis, groups: Sequence[Group], by: str, style: Style
) -> tuple[Column[Group], ...]:
    """The columns of one row a group."""
    unit = style.unit
    share = _shares(analysis.totals.macs, (group.macs for group in groups), style)

    def least(group: Group) -> str:
        return ("" if group.complete else "≥ ") + operations(group.macs, unit)

    def fewer(group: Group) -> str:
        changed = 0 < group.separable_macs < group.macs
        return f"{times(group.macs / group.separable_macs)} fewer" if changed else ""

    return (
        Column(by, lambda group: group.key, 0, False, True, "name"),
        Column("layers", lambda group: str(group.layers), 2),
        Column(title(unit), least, 0),
        Column("share", lambda group: share.cell(group.macs), 1, role="share"),
        Column("params", lambda group: _number(group.params or None), 3),
        Column("elementwise", lambda group: _number(group.elementwise_ops or None), 6),
        Column("moved", lambda group: _bytes(group.bytes_moved), 5),
        Column(f"sep. {title(unit)}", lambda g: operations(g.separable_macs, unit), 4),
        Column("separable", fewer, 2, False, False, "saving"),
    )


def _reduction(analysis: Analysis) -> str:
    worth = analysis.totals.reduction >= 1.005
    return f"{times(analysis.totals.reduction)} fewer" if worth else ""


def bindings(analysis: Analysis) -> str:
    """The bound symbols: ``N=8 H=224``."""
    return " ".join(f"{name}={size}" for name, size in analysis.network.bindings.items())


def model_columns(style: Style) -> tuple[Column[Analysis], ...]:
    """The columns of one row a model: several sources, or one at several bindings."""
    unit = style.unit

    def least(analysis: Analysis) -> str:
        prefix = "" if analysis.coverage.complete else "≥ "
        return prefix + operations(analysis.totals.macs, unit)

    def per_item(analysis: Analysis) -> str:
        batch = analysis.network.batch
        return operations(analysis.totals.macs // batch, unit) if batch and batch > 1 else ""

    return (
        Column("model", lambda a: a.network.name, 0, False, True, "name"),
        Column("bound", bindings, 1, False, True),
        Column(title(unit), least, 0),
        Column("an item", per_item, 5),
        Column("params", lambda a: human(a.totals.params), 2),
        Column("weights", lambda a: human(a.totals.weight_bytes, "B"), 6),
        Column("peak act.", lambda a: human(a.totals.peak_activation_bytes, "B"), 4),
        Column(f"sep. {title(unit)}", lambda a: operations(a.totals.separable_macs, unit), 7),
        Column("separable", _reduction, 3, False, role="saving"),
    )


def filled(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> tuple[Column[Row], ...]:
    """The columns of rank 0 and those with something to say in these rows."""
    return tuple(c for c in columns if c.rank == 0 or any(c.cell(row).strip() for row in rows))
