"""What a conversion says, in words and columns: the terminal and Markdown read the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sepcost.report.bench import duration
from sepcost.report.columns import Column
from sepcost.report.prose import NAMED
from sepcost.report.units import human, percent, times

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.plan.choices import Choice
    from sepcost.separable.plan.frontier import FrontierPoint
    from sepcost.separable.verify import OutputFidelity


def headline(found: Conversion) -> str:
    """The one line to quote, after the model's name."""
    if not found.plan.choices:
        return "nothing worth converting"
    before, after = found.before.totals, found.after.totals
    done = len(found.plan.choices)
    parts = [f"{done} convolution{'s' * (done != 1)} converted, {_change(before.macs, after.macs)}"]
    if found.speedup is not None:
        parts.append(f"{times(found.speedup)} as fast")
    if found.effect.drop is not None:
        parts.append(f"top-1 {_points(-found.effect.drop)}")
    elif found.effect.batches:
        parts.append(f"output error {error(found.effect.relative_error)}")
    return "; ".join(parts)


def _change(before: int, after: int) -> str:
    return f"{human(before)} → {human(after)} MACs"


def _points(change: float) -> str:
    return f"{round(100 * change, 2) + 0.0:+.2f} points"  # minus nothing is nothing


def error(value: float | None) -> str:
    """A relative error in per cent, small ones as powers of ten."""
    if value is None:
        return ""
    return f"{value:.2%}" if value >= 0.0005 or not value else f"{value:.0e}"


def facts(found: Conversion) -> Iterator[str]:
    """Promised against measured, one line each."""
    before, after = found.before.totals, found.after.totals
    plan = found.plan
    yield f"goal: {plan.goal.words}{', missed' if found.missed else ''}"
    yield (
        f"MACs: {human(before.macs)} before, {human(after.macs)} after "
        f"({human(plan.predicted.macs)} predicted)"
    )
    yield f"params: {human(before.params)} before, {human(after.params)} after"
    if plan.predicted.loss is not None and plan.choices and found.effect.batches:
        yield f"loss: {found.effect.loss:.3g} measured, {plan.predicted.loss:.3g} predicted"
    if found.effect.drop is not None and found.effect.drop_interval is not None:
        low, high = (_points(-bound) for bound in reversed(found.effect.drop_interval))
        yield (
            f"top-1: {_points(-found.effect.drop)} on {found.effect.images} images that took no "
            f"part in the fit (95%: {low} to {high})"
        )
    if found.speedup is not None:
        yield f"speed-up: {times(found.speedup)} measured{_promised(found)}{_span(found)}"
    for path in found.written:
        yield f"written: {path}"


def _promised(found: Conversion) -> str:
    promised = found.plan.predicted.speedup
    return "" if promised is None else f", {times(promised)} predicted"


def _span(found: Conversion) -> str:
    if found.latency is None or not found.latency.comparisons:
        return ""
    ratio = found.latency.comparisons[0].ratio
    if not ratio.low > 0:
        return ""
    return f" (95%: {times(1 / ratio.high)} to {times(1 / ratio.low)})"


def choice_columns() -> tuple[Column[Choice], ...]:
    """One row a converted layer."""
    return (
        Column("layer", lambda c: c.candidate.name or c.candidate.id, 0, False, True, "name"),
        Column("form", lambda c: str(c.factors.form), 0, False),
        Column("rank", lambda c: str(c.factors.rank), 0),
        Column("of", lambda c: str(c.factors.full_rank or ""), 4),
        Column("written as", lambda c: c.form_emitted, 6, False),
        Column("weight error", lambda c: error(c.weight_error), 1),
        Column("output error", lambda c: error(c.output_error), 2),
        Column("effect", lambda c: "" if c.effect is None else f"{c.effect:.2g}", 5),
        Column("MACs before", lambda c: human(c.macs_before), 3),
        Column("after", lambda c: human(c.macs_after), 3),
        Column("time before", lambda c: duration(c.ns_before), 7),
        Column("after", lambda c: duration(c.ns_after), 7),
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """The convolutions that stay for one reason."""

    op_type: str
    reason: str
    layers: tuple[str, ...]

    @property
    def named(self) -> str:
        """The first layers, and how many there are besides."""
        more = len(self.layers) - NAMED
        return ", ".join(self.layers[:NAMED]) + (f" and {more} more" if more > 0 else "")


def kept(found: Conversion) -> tuple[Kept, ...]:
    """The convolutions that stay, by operator and reason; a deep network has a hundred."""
    layers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for skip in found.plan.kept:
        layers[skip.op_type, skip.reason].append(skip.name or skip.id)
    return tuple(Kept(op, why, tuple(names)) for (op, why), names in layers.items())


def kept_columns() -> tuple[Column[Kept], ...]:
    """One row a reason."""
    return (
        Column("kept", lambda k: str(len(k.layers)), 0),
        Column("op", lambda k: k.op_type, 1, False, True),
        Column("why", lambda k: k.reason, 0, False, True, "words"),
        Column("layers", lambda k: k.named, 0, False, True, "words"),
    )


def fidelity_columns() -> tuple[Column[OutputFidelity], ...]:
    """One row an output, original and converted side by side."""

    def decibels(one: OutputFidelity) -> str:
        return "" if one.sqnr_db is None else f"{one.sqnr_db:.1f} dB"

    return (
        Column("output", lambda o: o.name, 0, False, True, "name"),
        Column("relative error", lambda o: error(o.relative_error), 0),
        Column("SQNR", decibels, 1),
        Column("largest", lambda o: "" if o.max_abs is None else f"{o.max_abs:.3g}", 2),
        Column("cosine", lambda o: "" if o.cosine is None else f"{o.cosine:.6f}", 3),
        Column(
            "top-1 agrees",
            lambda o: "" if o.top1_agreement is None else percent(o.top1_agreement),
            1,
        ),
    )


def frontier_columns() -> tuple[Column[FrontierPoint], ...]:
    """One row a plan."""
    return (
        Column("converted", lambda p: str(p.converted), 0),
        Column("MACs", lambda p: human(p.macs), 0),
        Column("speed-up", lambda p: times(p.speedup), 0),
        Column("time", lambda p: duration(p.ns), 3),
        Column("output error", lambda p: error(p.relative_error), 0),
        Column("top-1", lambda p: "" if p.drop is None else _points(-p.drop), 1),
        Column("loss", lambda p: f"{p.loss:.2g}", 2),
        Column("predicted", lambda p: f"{p.predicted_loss:.2g}", 4),
    )
