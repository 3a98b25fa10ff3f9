"""The columns of a conversion: converted layers, kept layers, outputs and plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepcost.report.columns import Column
from sepcost.report.convert.words import Kept, error, points, unit
from sepcost.report.units import duration, human, percent, times

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.plan.choices import Choice
    from sepcost.separable.plan.frontier import FrontierPoint
    from sepcost.separable.verify import OutputFidelity


def choice_columns() -> tuple[Column[Choice], ...]:
    """One row per converted layer."""
    return (
        Column("layer", lambda c: c.candidate.name or c.candidate.id, 0, False, True, "name"),
        Column("form", lambda c: str(c.factors.form), 0, False),
        Column("rank", lambda c: str(c.factors.rank), 0),
        Column("full rank", lambda c: str(c.factors.full_rank or ""), 4),
        Column("written as", written, 6, False),
        Column("weight error", lambda c: error(c.weight_error), 1),
        Column("output error", lambda c: error(c.output_error), 2),
        Column("effect on output", lambda c: "" if c.effect is None else f"{c.effect:.2g}", 5),
        Column("MACs before", lambda c: human(c.macs_before), 3),
        Column("MACs after", lambda c: human(c.macs_after), 3),
        Column("time before", lambda c: duration(c.ns_before), 7),
        Column("time after", lambda c: duration(c.ns_after), 7),
    )


def written(choice: Choice) -> str:
    """The emitted form, and whether a 1-D convolution is written in 2-D."""
    return choice.form_emitted + (" in 2-D" if choice.lifted else "")


def kept_columns() -> tuple[Column[Kept], ...]:
    """One row per reason."""
    return (
        Column("kept", lambda k: str(len(k.layers)), 0),
        Column("op", lambda k: k.op_type, 1, False, True),
        Column("reason", lambda k: k.reason, 0, False, True, "words"),
        Column("layers", lambda k: k.named, 0, False, True, "words"),
    )


def fidelity_columns() -> tuple[Column[OutputFidelity], ...]:
    """One row per output, the converted model against the original."""

    def decibels(output: OutputFidelity) -> str:
        return "" if output.sqnr_db is None else f"{output.sqnr_db:.1f} dB"

    def agreement(output: OutputFidelity) -> str:
        return "" if output.top1_agreement is None else percent(output.top1_agreement)

    return (
        Column("output", lambda o: o.name, 0, False, True, "name"),
        Column("error / norm", lambda o: error(o.relative_error), 0),
        Column("SNR", decibels, 1),
        Column("largest error", lambda o: "" if o.max_abs is None else f"{o.max_abs:.3g}", 2),
        Column("cosine", lambda o: "" if o.cosine is None else f"{o.cosine:.6f}", 3),
        Column("agreement", agreement, 1),
    )


def frontier_columns(conversion: Conversion) -> tuple[Column[FrontierPoint], ...]:
    """One row per plan."""
    return (
        Column("converted", lambda p: str(p.converted), 0),
        Column("MACs", lambda p: human(p.macs), 0),
        Column("speed-up", lambda p: times(p.speedup), 0),
        Column("time", lambda p: duration(p.ns), 3),
        Column("output error", lambda p: error(p.relative_error), 0),
        Column(unit(conversion), lambda p: "" if p.drop is None else points(-p.drop), 1),
        Column("loss", lambda p: f"{p.loss:.2g}", 2),
        Column("predicted loss", lambda p: f"{p.predicted_loss:.2g}", 4),
    )
