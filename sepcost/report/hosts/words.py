"""The same models on several machines, in columns and lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sepcost.latency.results import Bench, Measurement
from sepcost.report.bench.words import headline, machine_line, notes, ran_on, verdict
from sepcost.report.columns import Column
from sepcost.report.units import times

#: The measurements of one model, one per machine.
Row = tuple[Measurement, ...]


def host_of(bench: Bench) -> str:
    """The machine as the user named it."""
    return bench.machine.host or bench.machine.name


def rows(benches: Sequence[Bench]) -> list[Row]:
    """One row per model."""
    return list(zip(*(bench.models for bench in benches), strict=True))


def columns(benches: Sequence[Bench], quoted: Callable[[str], str]) -> tuple[Column[Row], ...]:
    """The latency on each machine and, of several models, the speed-up there."""
    several = any(bench.comparisons for bench in benches)
    return (
        Column("model", lambda row: row[0].name, 0, False, True, "name"),
        *(_latency(at, quoted(host_of(bench))) for at, bench in enumerate(benches)),
        *(_speedup(at, bench, quoted) for at, bench in enumerate(benches) if several),
    )


def _latency(at: int, host: str) -> Column[Row]:
    return Column(host, lambda row: headline(row[at]), 0)


def _speedup(at: int, bench: Bench, quoted: Callable[[str], str]) -> Column[Row]:
    ratios = {pair.b: pair.ratio.estimate for pair in bench.comparisons}

    def cell(row: Row) -> str:
        ratio = ratios.get(row[at].name)
        return times(1 / ratio) if ratio else ""

    return Column(f"speed-up on {quoted(host_of(bench))}", cell, 1)


def verdicts(
    benches: Sequence[Bench], named: Callable[[str], str], quoted: Callable[[str], str]
) -> Iterator[str]:
    """One line per pair and machine."""
    for bench in benches:
        place = f"{ran_on(bench, quoted)} on {quoted(host_of(bench))}"
        for pair in bench.comparisons:
            yield f"{named(pair.b)} {verdict(pair).format(a=named(pair.a))}{place}"


def machines(benches: Sequence[Bench], quoted: Callable[[str], str]) -> Iterator[str]:
    """One line per machine."""
    return (machine_line(bench, quoted) for bench in benches)


def all_notes(benches: Sequence[Bench]) -> Iterator[str]:
    """The notes on each machine's measurement, with its name."""
    for bench in benches:
        yield from (f"{host_of(bench)}: {line}" for line in notes(bench))
