"""A conversion in words, the same in every format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sepcost.report.units import human, percent, times

if TYPE_CHECKING:
    from sepcost.cost.analysis import Analysis
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.runs.output_loss import Effect

NAMED = 3  # layers named per reason


def headline(conversion: Conversion) -> str:
    """The one line to quote, after the model's name."""
    if not conversion.plan.choices:
        return "nothing worth converting"
    done = len(conversion.plan.choices)
    parts = [
        f"{done} convolution{'s' * (done != 1)} converted, "
        f"{known(conversion.before)} → {known(conversion.after)} MACs"
    ]
    if conversion.speedup is not None:
        parts.append(f"{times(conversion.speedup)} as fast")
    if conversion.effect.drop is not None:
        parts.append(f"top-1 {accuracy(conversion.effect)}")
    elif conversion.effect.batches:
        parts.append(f"output error {error(conversion.effect.relative_error)}")
    return "; ".join(parts)


def known(analysis: Analysis) -> str:
    """The MACs, or ``at least`` those that are counted."""
    least = "" if analysis.coverage.complete else "at least "
    return least + human(analysis.totals.macs)


def accuracy(effect: Effect) -> str:
    """Top-1 of the original and of the result: ``91.4% → 90.6%``; empty without labels."""
    return "" if effect.top1 is None else " → ".join(map(percent, effect.top1))


def points(change: float) -> str:
    """A change of a share in percentage points: ``−0.8``; two decimals for a small one."""
    value = 100 * change
    text = f"{value:+.1f}" if abs(value) >= 0.05 else f"{value:+.2f}"
    return "0.0" if not float(text) else text.replace("-", "−")


def error(value: float | None) -> str:
    """A relative error in per cent; small ones in powers of ten."""
    if value is None:
        return ""
    return f"{value:.2%}" if value >= 0.0005 or not value else f"{value:.0e}"


def facts(conversion: Conversion) -> Iterator[str]:
    """Predicted and measured, one line each."""
    before, after = conversion.before.totals, conversion.after.totals
    plan = conversion.plan
    yield f"goal: {plan.goal.words}{' (not met)' if conversion.missed else ''}"
    yield (
        f"MACs: {known(conversion.before)} before, {known(conversion.after)} after "
        f"({human(plan.predicted.macs)} predicted)"
    )
    yield f"params: {human(before.params)} before, {human(after.params)} after"
    if plan.predicted.loss is not None and plan.choices and conversion.effect.batches:
        yield f"loss: {conversion.effect.loss:.3g} measured, {plan.predicted.loss:.3g} predicted"
    if conversion.effect.drop is not None:
        yield f"top-1: {accuracy(conversion.effect)} ({change(conversion.effect)})"
    if conversion.speedup is not None:
        measured = f"{times(conversion.speedup)} measured"
        yield f"speed-up: {measured}{_predicted(conversion)}{_span(conversion)}"
    for path in conversion.written:
        yield f"written: {path}"


def change(effect: Effect) -> str:
    """``−0.8 points; 95%: −1.5 to −0.1; 2,000 held-out images``; empty without labels."""
    if effect.drop is None or effect.drop_interval is None:
        return ""
    low, high = (points(-bound) for bound in reversed(effect.drop_interval))
    images = f"{effect.images:,} held-out image{'s' * (effect.images != 1)}"
    return f"{points(-effect.drop)} points; 95%: {low} to {high}; {images}"


def _predicted(conversion: Conversion) -> str:
    predicted = conversion.plan.predicted.speedup
    return "" if predicted is None else f", {times(predicted)} predicted"


def _span(conversion: Conversion) -> str:
    if conversion.latency is None or not conversion.latency.comparisons:
        return ""
    ratio = conversion.latency.comparisons[0].ratio
    if not ratio.low > 0:
        return ""
    return f" (95%: {times(1 / ratio.high)} to {times(1 / ratio.low)})"


def notes(conversion: Conversion) -> tuple[str, ...]:
    """All notes, a missed goal first."""
    return (*([conversion.missed] if conversion.missed else []), *conversion.notes)


@dataclass(frozen=True, slots=True)
class Kept:
    """The convolutions that are kept for one reason."""

    op_type: str
    reason: str
    layers: tuple[str, ...]

    @property
    def named(self) -> str:
        """The first layers, and how many more there are."""
        more = len(self.layers) - NAMED
        return ", ".join(self.layers[:NAMED]) + (f" and {more} more" if more > 0 else "")


def kept(conversion: Conversion) -> tuple[Kept, ...]:
    """The convolutions that are kept, by operator and reason: a deep network has a hundred."""
    layers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for skip in conversion.plan.kept:
        layers[skip.op_type, skip.reason].append(skip.name or skip.id)
    return tuple(Kept(op, why, tuple(names)) for (op, why), names in layers.items())
