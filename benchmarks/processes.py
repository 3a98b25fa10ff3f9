"""Whole processes side by side: wall and CPU time, peak memory, interleaved in one run.

Each round runs every command once, in an order that turns, so that a slow minute of the machine
falls on all of them. A ratio is that of two runs of one round; of the rounds' ratios the least,
the median and the largest are told.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one process."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    code: int


def run(command: Sequence[str]) -> Sample:
    """Run a command to its end, its output thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    watchdog = threading.Timer(TIMEOUT_S, process.kill)
    watchdog.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    watchdog.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, process.returncode)


def interleave(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Sample]]:
    """Run each command once a round, after one round that only warms the caches.

    A command that fails is not run again.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    names = list(commands)
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if any(sample.code for sample in samples[name]):
                continue
            sample = run(commands[name])
            if turn or sample.code:
                samples[name].append(sample)
    return samples


def summary(samples: Mapping[str, Sequence[Sample]], base: str) -> dict[str, dict[str, object]]:
    """Return what each command took, and how that compares with ``base`` in the same rounds."""
    found: dict[str, dict[str, object]] = {}
    for name, runs in samples.items():
        failed = [run.code for run in runs if run.code]
        if failed or not runs:
            found[name] = {"failed": failed}
            continue
        found[name] = {
            "runs": [asdict(run) for run in runs],
            **{key: _spread([getattr(run, key) for run in runs]) for key in KEYS},
            **{f"{key}_ratio": _spread(_ratios(runs, samples[base], key)) for key in KEYS},
        }
    return found


KEYS = ("wall_s", "cpu_s", "peak_mb")


def _ratios(runs: Sequence[Sample], base: Sequence[Sample], key: str) -> list[float]:
    pairs = zip(runs, base, strict=False)
    return [getattr(one, key) / getattr(other, key) for one, other in pairs]


def _spread(values: Sequence[float]) -> list[float]:
    """The least, the median, the largest."""
    return [min(values), statistics.median(values), max(values)]


def environment(folder: Path, *installs: Sequence[str]) -> tuple[Path, list[str]]:
    """Make a virtual environment; return its ``bin`` and the installs that failed."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    home = folder / ("Scripts" if os.name == "nt" else "bin")
    failed = []
    for arguments in installs:
        result = subprocess.run(
            [str(home / "python"), "-m", "pip", "install", "-q", *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode:
            failed.append(f"{' '.join(arguments)}: {_last(result.stderr)}")
    return home, failed


def _last(text: str) -> str:
    errors = [line for line in text.splitlines() if "error" in line.lower()]
    return (errors or ["pip failed"])[-1][:200]


def versions(home: Path) -> dict[str, str]:
    """Return what is installed in an environment."""
    listed = subprocess.run(
        [str(home / "python"), "-m", "pip", "list", "--format", "freeze"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "platform": sys.platform,
        "python": sys.version.split()[0],
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "free_disk_gb": round(shutil.disk_usage(".").free / 1e9),
    }
