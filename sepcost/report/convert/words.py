"""A conversion in words, the same in every format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sepcost.cost.words import plural
from sepcost.report.units import human, percent, times
from sepcost.separable.quality import judge
from sepcost.separable.quality.judge import NAMES

if TYPE_CHECKING:
    from sepcost.cost.analysis import Analysis
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.quality.judge import Quality
    from sepcost.separable.tuning.outcome import Tuning

NAMED = 3  # layers named per reason


def headline(conversion: Conversion) -> str:
    """The line that sums up, after the model's name."""
    if not conversion.plan.choices:
        return "nothing worth converting"
    parts = [
        f"{_counted(conversion)} converted, "
        f"{known(conversion.before)} → {known(conversion.after)} MACs"
    ]
    if conversion.speedup is not None:
        parts.append(f"{times(conversion.speedup)} as fast")
    quality = conversion.effect.quality
    if quality is not None and quality.metric != "error":
        parts.append(f"{name(quality)} {scores(quality)}")
    elif conversion.effect.samples:
        parts.append(f"output error {error(conversion.effect.relative_error)}")
    return "; ".join(parts)


def _counted(conversion: Conversion) -> str:
    """``5 convolutions and 1 dense layer``."""
    dense = [choice.candidate.dense is not None for choice in conversion.plan.choices]
    counts = {"convolution": dense.count(False), "dense layer": dense.count(True)}
    return " and ".join(plural(count, noun) for noun, count in counts.items() if count)


def known(analysis: Analysis) -> str:
    """The MACs, or ``at least`` those that are counted."""
    least = "" if analysis.coverage.complete else "at least "
    return least + human(analysis.totals.macs)


def name(quality: Quality) -> str:
    """The metric in words; the user's own by its name."""
    return NAMES.get(quality.metric, quality.metric)


def scores(quality: Quality) -> str:
    """``91.4% → 90.6%``; only the second if the first is 100% by definition."""
    before, after = (_score(quality, one.mean) for one in (quality.original, quality.converted))
    return after if judge.of_original(quality.metric) else f"{before} → {after}"


def _score(quality: Quality, value: float) -> str:
    return f"{100 * value:.1f} dB" if quality.metric == "psnr" else percent(value)


def unit(conversion: Conversion) -> str:
    """The unit of changes of the metric."""
    quality = conversion.effect.quality
    return judge.points(quality.metric if quality else "")


def points(change: float) -> str:
    """A change of a score, in points or dB: ``−0.8``; two decimals for a small one."""
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
    asked = " and ".join(goal.words for goal in conversion.goals)
    yield f"goal: {asked}{_fell_short(conversion)}"
    yield (
        f"MACs: {known(conversion.before)} before, {known(conversion.after)} after "
        f"({human(plan.predicted.macs)} predicted)"
    )
    yield f"params: {human(before.params)} before, {human(after.params)} after"
    if plan.predicted.loss is not None and plan.choices and conversion.effect.samples:
        yield (
            f"predicted loss {plan.predicted.loss:.3g}, measured {conversion.effect.loss:.3g} "
            "(weighted output error that the plan minimises)"
        )
    for quality in judged(conversion):
        yield f"{name(quality)}: {scores(quality)} ({change(quality, conversion.inputs)})"
    if conversion.effect.samples:
        yield f"output error: {spread(conversion)}"
    if conversion.speedup is not None:
        host = conversion.latency.machine.host if conversion.latency else None
        measured = f"{times(conversion.speedup)} measured{f' on {host}' if host else ''}"
        yield f"speed-up: {measured}{_span(conversion)}{_predicted(conversion)}"
    if conversion.tuning is not None:
        yield f"tuning: {tuned(conversion.tuning)}"
    for path in conversion.written:
        yield f"written: {path}"


def judged(conversion: Conversion) -> Iterator[Quality]:
    """The scores, except one that only repeats the output error."""
    for quality in conversion.effect.qualities:
        if quality.metric != "error" or not conversion.effect.samples:
            yield quality


def _fell_short(conversion: Conversion) -> str:
    if not conversion.met:
        return f" ({conversion.verdict})"
    if not conversion.plan.choices:
        return " (met: nothing was converted)"
    return " (met, but a minimum requirement is not)" if conversion.missed else ""


def tuned(tuning: Tuning) -> str:
    """``loss 0.026 → 0.021 on 256 held-out samples; 15,000 samples run, 40 s``."""
    if not tuning.passes:
        return "not run (time was up)"
    kept = "" if tuning.kept else ", so the fitted factors are kept"
    return (
        f"loss {tuning.before:.2g} → {tuning.after:.2g} on "
        f"{plural(tuning.samples, 'held-out sample')}{kept}; {tuning.passes:,} samples run, "
        f"{tuning.seconds:.0f} s"
    )


def change(quality: Quality, inputs: str) -> str:
    """``−0.8 points; 95%: −1.5 to −0.1; 2,000 held-out samples``."""
    loss, unit = quality.loss, judge.points(quality.metric)
    low, high = (points(-bound) for bound in (loss.high, loss.low))
    held = judge.counted(loss.samples, inputs)
    return f"{points(-loss.mean)} {unit}; 95%: {low} to {high}; {held}"


def spread(conversion: Conversion) -> str:
    """``3.1% of the spread (95%: 2.8% to 3.4%; 64 held-out samples)``."""
    found = conversion.effect.error
    held = judge.counted(found.samples, conversion.inputs)
    if not found.high < float("inf"):
        return f"{error(found.mean)} of the spread ({held})"
    span = f"95%: {error(found.low)} to {error(found.high)}"
    return f"{error(found.mean)} of the spread ({span}; {held})"


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
