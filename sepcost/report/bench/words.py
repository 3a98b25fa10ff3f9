"""A measurement in words, the same in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp, inf

from sepcost.cost.words import plural
from sepcost.latency.providers import CPU
from sepcost.latency.results import Bench, Comparison, LayerTime, Machine, Measurement, Placement
from sepcost.latency.stats import Interval, Outcome, Statistic
from sepcost.report.units import duration, human, percent, three_digits, times

#: Half-widths beyond this are shown as a factor, since ± 157% makes no sense.
WIDE = 0.5
#: Fractions of the roofline beyond this are not noise.
BEYOND = 1.1


def plus_minus(interval: Interval) -> str:
    """``± 1.2%``, or ``×/÷ 1.8`` for a wide interval; empty for a single launch."""
    width = interval.half_width
    if width == inf:
        return ""
    return f"± {width:.1%}" if width <= WIDE else f"×/÷ {three_digits(exp(width))}"


def headline(model: Measurement) -> str:
    """The line that sums up a model."""
    return f"{duration(model.latency.estimate)} {plus_minus(model.latency)}".rstrip()


def ran_on(bench: Bench, quoted: Callable[[str], str] = str) -> str:
    """Where the nodes ran, for the end of a headline; empty if that is clear without it."""
    if side_by_side(bench):
        return ""
    parts = [part for model in bench.models for part in model.placement if part.nodes]
    names = list(dict.fromkeys(part.provider for part in parts))
    if not names or names == list(bench.providers) == [CPU]:
        return ""
    shares = {part.provider: share_of(part) for part in parts} if len(bench.models) == 1 else {}
    if len(names) == 1 or not all(shares.get(name) for name in names):
        return f" on {' and '.join(map(quoted, names))}"
    each = [f"{quoted(name)} ({shares[name]})" for name in names]
    return f" on {' and '.join(each)} by MACs"


def side_by_side(bench: Bench) -> bool:
    """Whether several sets of providers are compared; the models' names then say which."""
    return len({model.providers for model in bench.models}) > 1


def verdict(pair: Comparison) -> str:
    """The line that sums up a pair, after the name of ``b``: is 2.31× as fast as {a}."""
    ratio = pair.ratio
    if pair.verdict is Outcome.FASTER:
        low, high = 1 / ratio.high, 1 / ratio.low
        return f"is {times(1 / ratio.estimate)} as fast as {{a}} (95%: {span(low, high)})"
    reach = span(ratio.low, ratio.high)
    if pair.verdict is Outcome.SLOWER:
        return f"takes {times(ratio.estimate)} the time of {{a}} (95%: {reach})"
    if pair.verdict is Outcome.SAME:
        within = pair.words.removeprefix("same ")
        return f"takes the same time as {{a}}, {within} (95%: {reach})"
    return f"takes {reach} the time of {{a}}: inconclusive"


def span(low: float, high: float) -> str:
    """The bounds of a ratio: ``0.985× to 1.014×``."""
    if high == inf:
        return "an unknown multiple of"
    return f"{factor(low)}× to {factor(high)}×"


def factor(value: float) -> str:
    """A ratio with enough digits to differ from 1: ``0.985``, ``2.314``, ``14.0``, ``122``."""
    if value < 0.0995:
        return f"{value:.2g}"
    return f"{value:.3f}" if value < 9.9995 else three_digits(value)


def machine_line(bench: Bench, quoted: Callable[[str], str] = str) -> str:
    """Where it was measured, and how; ``quoted`` escapes what the system reports."""
    machine = bench.machine
    threads = plural(bench.threads, "thread")
    load = f", load {machine.load:.1f}" if machine.load is not None else ""
    host = f"{quoted(machine.host)}: " if machine.host else ""
    return (
        f"{host}{quoted(machine.cpu)}, {plural(machine.cores, 'core')}{load}; ONNX Runtime "
        f"{quoted(machine.onnxruntime or '?')}, {', '.join(map(quoted, bench.providers))}, "
        f"{threads if bench.threads else 'automatic threads'}"
    )


def peaks_line(machine: Machine) -> str:
    """The two limits of the roofline."""
    if machine.peaks is None:
        return ""
    macs, moved = machine.peaks.macs_per_second, machine.peaks.bytes_per_second
    int8 = machine.peaks.int8_macs_per_second
    integers = f" ({human(int8)}MAC/s in int8)" if int8 else ""
    return (
        f"peak {human(macs)}MAC/s{integers} and {human(moved, 'B')}/s: "
        f"memory-bound below {2 * macs / moved:.1f} FLOPs per byte"
    )


def scattered(bench: Bench) -> Iterator[tuple[Measurement, Placement]]:
    """The parts of each model that does not run on the first provider alone."""
    for model in bench.models:
        asked = model.providers or bench.providers
        if [part.provider for part in model.placement] != [asked[0]]:
            for part in model.placement:
                yield model, part


def fallen(bench: Bench) -> Iterator[tuple[Measurement, Placement]]:
    """The parts that ran on a provider that was not asked for."""
    for model, part in scattered(bench):
        if part.provider not in (model.providers or bench.providers):
            yield model, part


def share_of(part: Placement) -> str:
    """A provider's part of the MACs."""
    return "" if part.share is None else percent(part.share)


def slowest(rows: Sequence[LayerTime], top: int) -> tuple[Sequence[LayerTime], int]:
    """The ``top`` slowest rows (0: all), in their order, and how many are left out."""
    if not top or len(rows) <= top:
        return rows, 0
    ranked = sorted(rows, key=lambda row: -row.time_ns)[:top]
    kept = set(map(id, ranked))
    return [row for row in rows if id(row) in kept], len(rows) - top


def legend(rows: Iterable[LayerTime]) -> Iterator[str]:
    """How to read the column ``bound``, and fractions above 100%."""
    bounds = [(row.bound, row.fraction) for row in rows if row.fraction is not None]
    if bounds:
        yield (
            "bound: what limits the layer (compute or memory), and how much of that limit it "
            "reaches; far below 100%, the kernel is inefficient"
        )
    if any(bound == "memory" and fraction > BEYOND for bound, fraction in bounds):
        yield (
            "memory above 100%: the layer works in the caches, which are faster than main memory"
        )
    if any(bound == "compute" and fraction > BEYOND for bound, fraction in bounds):
        yield (
            "compute above 100%: the kernel is faster than the matrix product that defines "
            "100%; if far above, measure the peak again: sepcost bench --machine"
        )


def arena(model: Measurement) -> Iterator[str]:
    """What runs take from ONNX Runtime's arena, beside the plan of ``analyze --memory``."""
    found = model.arena
    if found is None:
        return
    placed = found.placed_bytes
    plan = f"; analyze --memory plans {human(placed, 'B')}" if placed is not None else ""
    yield (
        f"memory in ONNX Runtime's arena: {human(found.used_bytes, 'B')} used at the peak, "
        f"{human(found.held_bytes, 'B')} held{plan}"
    )


def notes(bench: Bench) -> Iterator[str]:
    """Warnings and advice, each once."""
    lines = [*bench.warnings]
    for model in bench.models:
        if Statistic.CPU_TIME in model.statistics:
            lines.append(
                f"{model.name}: too few undisturbed runs, so the latency is CPU time; the "
                f"percentiles are wall time of all runs"
            )
        lines += [f"{model.name}: {line}" for line in model.warnings]
    lines += [f"{c.b} against {c.a}: {c.advice}" for c in bench.comparisons if c.advice]
    yield from dict.fromkeys(lines)
