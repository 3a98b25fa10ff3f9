"""Models on several machines in CSV: the rows of ``bench``, after the machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from sepcost.latency.results import Bench
from sepcost.report.bench.csv import render as of_bench
from sepcost.report.hosts.words import host_of
from sepcost.report.view import View


def render(benches: Sequence[Bench], view: View) -> str:
    """One row per machine and model, or layer if layers were timed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for at, bench in enumerate(benches):
        header, *rows = csv.reader(io.StringIO(of_bench(bench, view)))
        writer.writerows([["host", *header]] if not at else [])
        writer.writerows([host_of(bench), *row] for row in rows)
    return text.getvalue()
