"""Whole processes to compare in a round: wall time, CPU time and peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.rounds import Sample, Side

STOPWATCH = Path(__file__).with_name("stopwatch.py")
KEYS = ("wall_s", "cpu_s", "peak_mb")


def process(command: Sequence[str], folder: Path, after: Callable[[], None] | None = None) -> Side:
    """Return a side that runs a command in ``folder``, then ``after`` without measuring it."""
    return partial(_run, tuple(map(str, command)), folder, after)


def _run(command: tuple[str, ...], folder: Path, after: Callable[[], None] | None) -> Sample:
    output = subprocess.run(
        [sys.executable, "-I", "-S", str(STOPWATCH), *command],
        cwd=folder, stdout=subprocess.PIPE, check=True,
    ).stdout  # fmt: skip
    if after:
        after()
    return Sample(**json.loads(output))
