"""What a measurement says, in words: the terminal and Markdown read the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp, inf

from sepcost.latency.providers import CPU
from sepcost.latency.results import Bench, Comparison, LayerTime, Machine, Measurement, Placement
from sepcost.latency.stats import Interval, Outcome, Statistic
from sepcost.report.units import human, percent, times

_STEPS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))

#: Half-widths beyond this are no longer told in per cent: ± 157% of a time means nothing.
WIDE = 0.5
#: Fractions of the roofline that chance does not explain.
BEYOND = 1.1


def duration(ns: float | None) -> str:
    """A time with three digits: ``12.3 ms``; ``0`` for what takes none."""
    if not ns:
        return "" if ns is None else "0"
    size, unit = next(((s, u) for s, u in _STEPS if ns >= s), (1.0, "ns"))
    return f"{three_digits(ns / size)} {unit}"


def three_digits(value: float) -> str:
    """``1.23``, ``12.3``, ``123``."""
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


def plus_minus(interval: Interval) -> str:
    """``± 1.2%``, or ``×/÷ 1.8`` of a wide interval; nothing where one launch has none."""
    width = interval.half_width
    if width == inf:
        return ""
    return f"± {width:.1%}" if width <= WIDE else f"×/÷ {three_digits(exp(width))}"


def headline(model: Measurement) -> str:
    """The one line to quote of a model."""
    return f"{duration(model.latency.estimate)} {plus_minus(model.latency)}".rstrip()


def ran_on(bench: Bench, quoted: Callable[[str], str] = str) -> str:
    """Where the nodes ran, behind a headline; nothing where the CPU was asked for and had all."""
    parts = [part for model in bench.models for part in model.placement if part.nodes]
    names = list(dict.fromkeys(part.provider for part in parts))
    if not names or names == list(bench.providers) == [CPU]:
        return ""
    shares = {part.provider: share_of(part) for part in parts} if len(bench.models) == 1 else {}
    if len(names) == 1 or not all(shares.get(name) for name in names):
        return f" on {' and '.join(map(quoted, names))}"
    each = [f"{quoted(name)} ({shares[name]})" for name in names]
    return f" on {' and '.join(each)} by MACs"


def verdict(found: Comparison) -> str:
    """The one line to quote of a pair, after the name of ``b``: is 2.31× faster than {a}."""
    ratio = found.ratio
    if found.verdict is Outcome.FASTER:
        low, high = 1 / ratio.high, 1 / ratio.low
        return f"is {times(1 / ratio.estimate)} faster than {{a}} (95%: {span(low, high)})"
    reach = span(ratio.low, ratio.high)
    if found.verdict is Outcome.SLOWER:
        return f"is {times(ratio.estimate)} slower than {{a}} (95%: {reach})"
    if found.verdict is Outcome.SAME:
        return f"is the {found.words} as {{a}} (95%: {reach} its time)"
    return f"takes {reach} the time of {{a}}: inconclusive"


def span(low: float, high: float) -> str:
    """The bounds of a ratio: ``0.985× to 1.014×``."""
    if high == inf:
        return "an unknown multiple of"
    return f"{factor(low)}× to {factor(high)}×"


def factor(value: float) -> str:
    """A ratio with the digits that tell it from 1: ``0.985``, ``2.314``, ``14.0``, ``122``."""
    if value < 0.0995:
        return f"{value:.2g}"
    return f"{value:.3f}" if value < 9.9995 else three_digits(value)


def machine_line(bench: Bench, quoted: Callable[[str], str] = str) -> str:
    """Where it was measured, and how; ``quoted`` makes what the system says harmless."""
    machine = bench.machine
    threads = f"{bench.threads} thread{'s' if bench.threads != 1 else ''}"
    load = f", load {machine.load:.1f}" if machine.load is not None else ""
    return (
        f"{quoted(machine.cpu)}, {machine.cores} cores{load}; ONNX Runtime "
        f"{quoted(machine.onnxruntime or '?')}, {', '.join(map(quoted, bench.providers))}, "
        f"{threads if bench.threads else 'threads left to it'}"
    )


def peaks_line(machine: Machine) -> str:
    """The two sides of the roofline."""
    if machine.peaks is None:
        return ""
    macs, moved = machine.peaks.macs_per_second, machine.peaks.bytes_per_second
    return (
        f"at most {human(macs)}MAC/s and {human(moved, 'B')}/s: "
        f"memory-bound below {2 * macs / moved:.1f} FLOPs a byte"
    )


def scattered(bench: Bench) -> Iterator[tuple[Measurement, Placement]]:
    """Each model's parts, where they are not all on the provider that was asked first."""
    for model in bench.models:
        if [part.provider for part in model.placement] != [bench.providers[0]]:
            for part in model.placement:
                yield model, part


def fallen(bench: Bench) -> Iterator[tuple[Measurement, Placement]]:
    """The parts that ran on a provider that nobody asked for, by node."""
    for model, part in scattered(bench):
        if part.provider not in bench.providers:
            yield model, part


def share_of(part: Placement) -> str:
    """A provider's part of the MACs."""
    return "" if part.share is None else percent(part.share)


def dearest(rows: Sequence[LayerTime], top: int) -> tuple[Sequence[LayerTime], int]:
    """The ``top`` rows that take longest (0: all), in their order, and how many are left out."""
    if not top or len(rows) <= top:
        return rows, 0
    ranked = sorted(rows, key=lambda row: -row.time_ns)[:top]
    kept = set(map(id, ranked))
    return [row for row in rows if id(row) in kept], len(rows) - top


def legend(rows: Iterable[LayerTime]) -> Iterator[str]:
    """How to read the column ``bound``, and what a fraction above 100% means."""
    bounds = [(row.bound, row.fraction) for row in rows if row.fraction is not None]
    if bounds:
        yield (
            "bound: what limits a layer at best, and how much of that limit it reaches; far below "
            "100%, its kernel is what takes the time"
        )
    if any(bound == "memory" and fraction > BEYOND for bound, fraction in bounds):
        yield (
            "above 100% of memory: the layer works in the caches, which are faster than the "
            "memory whose peak is the measure"
        )
    if any(bound == "compute" and fraction > BEYOND for bound, fraction in bounds):
        yield (
            "above 100% of compute: the kernel beats the large matrix product that is the measure; "
            "if by much, something was disturbed: 'sepcost bench --machine' measures it anew"
        )


def notes(bench: Bench) -> Iterator[str]:
    """Everything the reader of the numbers should know, each once."""
    lines = [*bench.warnings]
    for model in bench.models:
        if Statistic.CPU_TIME in model.statistics:
            lines.append(
                f"{model.name}: too few undisturbed runs, so its latency is CPU time; the "
                f"percentiles are of all runs as they were seen"
            )
        lines += [f"{model.name}: {line}" for line in model.warnings]
    lines += [f"{c.b} against {c.a}: {c.advice}" for c in bench.comparisons if c.advice]
    yield from dict.fromkeys(lines)
