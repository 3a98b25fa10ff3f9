"""The line on stderr while a measurement runs."""

import io
import os
import re
import shutil
import sys
from dataclasses import replace
from math import inf

import pytest

from sepcost.cli import bench_progress
from sepcost.latency.settings import Progress
from sepcost.latency.stats import Interval
from tests.report.bench_samples import around

START = Progress("loading", "net", launch=0, min_launches=5, elapsed_s=0.6)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (START, "loading net · process 1 of 5 · 1 s"),
        (
            replace(START, doing="running", launch=2, elapsed_s=3, latencies=(around(5e6),)),
            "running net · process 3 of 5 · 3 s · 5.00 ms ± 1.0%",
        ),
        (
            replace(START, launch=1, latencies=(Interval(5e6, 0, inf),)),
            "loading net · process 2 of 5 · 1 s · 5.00 ms",
        ),
        (
            replace(START, launch=7, latencies=(around(1),) * 3, ratios=(around(0.5), around(2))),
            "loading net · process 8 · 1 s · 0.500× ± 1.0%, 2.000× ± 1.0%",
        ),
        (replace(START, doing="launched", model="", launch=5), "process 6 · 1 s"),
        (
            Progress("measuring", "the machine", 0, 0, 1.2),
            "measuring the machine · 1 s",
        ),
        (replace(START, model="\x1b[31m"), r"loading \x1b[31m · process 1 of 5 · 1 s"),
    ],
)
def test_a_line(progress, says):
    assert bench_progress.line(progress) == says


def test_it_never_wraps_and_leaves_nothing_behind(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((30, 9)))
    monkeypatch.setenv("TERM", "xterm")
    with bench_progress.live(quiet=False) as tell:
        assert tell is not None
        tell(replace(START, model="a rather long name of a model"))
    shown, last = terminal.getvalue().rsplit("\r\x1b[K", 1)
    assert last == ""
    assert max(map(len, re.split("\r\x1b\\[K", shown))) <= 29


@pytest.mark.parametrize(("terminal", "quiet", "term"), [
    (io.StringIO, False, "xterm"), (Terminal, True, "xterm"), (Terminal, False, "dumb"),
])  # fmt: skip
def test_it_is_silent_without_a_terminal(monkeypatch, terminal, quiet, term):
    stream = terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    with bench_progress.live(quiet) as tell:
        assert tell is None
    assert stream.getvalue() == ""
