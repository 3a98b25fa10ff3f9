"""The shortest time of ``analyze --on`` against the measured latency, on the machine at hand.

A machine that is busy measures lower peaks and longer times: run it on an idle one.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sepcost
from benchmarks.results import Options, run, say
from sepcost.cost.roofline import MachinePeaks, roofline
from sepcost.latency.machine_file import read, written

TRIES = 5


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-time", type=float, default=10.0, help="seconds per network (10)")
    run("shortest", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Measure the peaks, then each shipped network."""
    machine = _best(folder)
    networks: dict[str, Any] = {}
    for network in sepcost.networks():
        settings = sepcost.Settings(max_time_s=options.max_time)
        measured = sepcost.bench(network.name, settings=settings).models[0].latency.estimate
        found = roofline(sepcost.analyze(network.name), machine)
        networks[network.name] = row = {
            "measured_ms": round(measured / 1e6, 3),
            "arithmetic": round(found.arithmetic_ns / measured, 3),
            "roofline": round(found.roofline_ns / measured, 3),
        }
        say(f"{network.name}: {row}")
    return {"networks": networks}


def _best(folder: Path) -> MachinePeaks:
    """The highest peaks of several measurements."""
    found = []
    for _ in range(TRIES):
        path = folder / "here.toml"
        path.write_text(written(sepcost.bench([], settings=sepcost.Settings(machine=True)), "here"))
        found.append(read(path))
    return MachinePeaks(
        "here",
        max(one.macs_per_second for one in found),
        max(one.bytes_per_second for one in found),
        max(one.int8_macs_per_second or 0.0 for one in found) or None,
    )


if __name__ == "__main__":
    main()
