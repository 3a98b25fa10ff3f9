"""What a measurement says, in words and columns: the terminal and Markdown read the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sepcost.latency.results import Bench, Comparison, LayerTime, Machine, Measurement
from sepcost.latency.stats import Interval, Verdict
from sepcost.report.columns import Column, Share, Style
from sepcost.report.units import human, percent, times

_STEPS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))


def duration(ns: float | None) -> str:
    """A time with three digits: ``12.3 ms``."""
    if ns is None:
        return ""
    size, unit = next(((s, u) for s, u in _STEPS if ns >= s), (1.0, "ns"))
    value = ns / size
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def plus_minus(interval: Interval) -> str:
    """The half-width of an interval in per cent; nothing where one launch has none."""
    width = interval.half_width
    return f"± {width:.1%}" if width < float("inf") else ""


def headline(model: Measurement) -> str:
    """The one line to quote of a model."""
    return f"{duration(model.latency.estimate)} {plus_minus(model.latency)}".rstrip()


def verdict(found: Comparison) -> str:
    """The one line to quote of a pair, after the name of ``b``: is 2.31× faster than {a}."""
    ratio = found.ratio
    if found.verdict is Verdict.FASTER:
        low, high = 1 / ratio.high, 1 / ratio.low
        return f"is {times(1 / ratio.estimate)} faster than {{a}} (95%: {_span(low, high)})"
    span = _span(ratio.low, ratio.high)
    if found.verdict is Verdict.SLOWER:
        return f"is {times(ratio.estimate)} slower than {{a}} (95%: {span})"
    if found.verdict is Verdict.SAME:
        return f"is the {found.words} as {{a}} (takes {span} its time)"
    return f"takes {span} the time of {{a}}: inconclusive"


def _span(low: float, high: float) -> str:
    return f"{low:.3f}× to {high:.3f}×" if high < float("inf") else "an unknown multiple of"


def machine_line(bench: Bench) -> str:
    """Where it was measured, and how."""
    machine = bench.machine
    threads = f"{bench.threads} thread{'s' if bench.threads != 1 else ''}"
    load = f", load {machine.load:.1f}" if machine.load is not None else ""
    return (
        f"{machine.cpu}, {machine.cores} cores{load}; ONNX Runtime {machine.onnxruntime}, "
        f"{', '.join(bench.providers)}, {threads if bench.threads else 'threads left to it'}"
    )


def peaks_line(machine: Machine) -> str:
    """The two sides of the roofline."""
    if machine.peaks is None:
        return ""
    macs, moved = machine.peaks.macs_per_second, machine.peaks.bytes_per_second
    return (
        f"this machine reaches {human(macs)}MAC/s and {human(moved, 'B')}/s:"
        f" memory-bound below {2 * macs / moved:.1f} FLOPs a byte"
    )


def model_columns(bench: Bench) -> tuple[Column[Measurement], ...]:
    """One row a model."""
    percentiles = sorted({p for model in bench.models for p in model.percentiles})

    def undisturbed(model: Measurement) -> str:
        return "" if model.undisturbed is None else percent(model.undisturbed)

    return (
        Column("model", lambda m: m.name, 0, False, True, "name"),
        Column("latency", lambda m: duration(m.latency.estimate), 0),
        Column("±", lambda m: plus_minus(m.latency).removeprefix("± "), 0),
        *(_percentile(p, 3 + k) for k, p in enumerate(percentiles)),
        Column("memory", lambda m: human(m.memory.peak_bytes, "B") if m.memory else "", 1),
        Column("first run", lambda m: duration(m.first_run_ns), 8),
        Column("load", lambda m: duration(m.create_ns), 9),
        Column("launches", lambda m: str(m.launches), 6),
        Column("runs", lambda m: f"{m.runs:,}", 7),
        Column("undisturbed", undisturbed, 2),
    )


def _percentile(percent_: float, rank: int) -> Column[Measurement]:
    return Column(f"p{percent_:g}", lambda m: duration(m.percentiles.get(percent_)), rank)


def comparison_columns() -> tuple[Column[Comparison], ...]:
    """One row a pair."""
    return (
        Column("model", lambda c: c.b, 0, False, True, "name"),
        Column("against", lambda c: c.a, 2, False, True),
        Column("time ratio", lambda c: f"{c.ratio.estimate:.3f}", 0),
        Column("95% interval", lambda c: _span(c.ratio.low, c.ratio.high), 1),
        Column("speed-up", lambda c: times(1 / c.ratio.estimate), 0),
        Column("verdict", lambda c: c.words, 0, False),
        Column("could show", lambda c: _change(c.smallest_change), 3),
    )


def _change(change: float) -> str:
    return f"{change:.1%}" if change < float("inf") else "?"


def layer_columns(model: Measurement, style: Style) -> tuple[Column[LayerTime], ...]:
    """One row a kernel: its nodes, its time, and how much of the machine it gets."""
    largest = max((row.time_ns for row in model.layers), default=0.0)
    share = Share(round(model.latency.estimate) or 1, round(largest) or 1, style.bars)

    def bound(row: LayerTime) -> str:
        if row.bound is None or row.fraction is None or not row.nodes:
            return ""
        return f"{row.bound} {min(row.fraction, 9.99):.0%}"

    def rate(row: LayerTime) -> str:
        return f"{human(row.macs_per_second)}MAC/s" if row.macs_per_second else ""

    return (
        Column("layer", layer_name, 0, False, True, "name"),
        Column("kernel", lambda row: row.kernel or "(optimised away)", 2, False, True),
        Column("time", lambda row: duration(row.time_ns), 0),
        Column("share", lambda row: share.cell(round(row.time_ns)), 0, role="share"),
        Column("MACs", lambda row: human(row.macs) if row.macs else "", 3),
        Column("reached", rate, 1),
        Column("moved", lambda row: human(row.bytes_moved, "B") if row.bytes_moved else "", 5),
        Column("bound", bound, 4, False),
        Column("provider", lambda row: row.provider, 9, False, True),
    )


def layer_name(row: LayerTime) -> str:
    """The node that costs most, and how many others its kernel took in."""
    if not row.nodes:
        return f"({row.kernel}: layout)"
    first = row.name or row.nodes[0]
    return first if len(row.nodes) == 1 else f"{first} +{len(row.nodes) - 1}"


def dearest(rows: Sequence[LayerTime], top: int) -> tuple[Sequence[LayerTime], int]:
    """The ``top`` rows that take longest (0: all), in their order, and how many are left out."""
    if not top or len(rows) <= top:
        return rows, 0
    ranked = sorted(rows, key=lambda row: -row.time_ns)[:top]
    kept = set(map(id, ranked))
    return [row for row in rows if id(row) in kept], len(rows) - top


def notes(bench: Bench) -> Iterator[str]:
    """Everything the reader of the numbers should know, each once."""
    lines = [*bench.warnings]
    lines += [f"{model.name}: {line}" for model in bench.models for line in model.warnings]
    lines += [f"{c.b} against {c.a}: {c.advice}" for c in bench.comparisons if c.advice]
    yield from dict.fromkeys(lines)
