"""The ratio of two networks through ``--host`` against the ratio measured here, in turns.

If the host is this machine (an ssh server on localhost), both must agree within their intervals.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sepcost
from benchmarks.results import Options, run, say
from benchmarks.rounds import tidy

PAIRS = (("mobilenet-v1", "squeezenet-1.1"), ("resnet-18", "mobilenet-v2"))
RHO = 0.5  # inputs of half the size


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="localhost", help="a destination of ssh (localhost)")
    parser.add_argument("--rounds", type=int, default=5, help="comparisons of each pair (5)")
    parser.add_argument("--max-time", type=float, default=20.0, help="seconds per comparison (20)")
    run("hosts", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Compare each pair here and there, as often as asked."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for number in range(options.rounds or 5):
        for pair in PAIRS:
            row = {
                place: _ratio(pair, host, options.max_time or 20.0, number)
                for place, host in (("here", None), ("there", options.host))
            }
            name = " against ".join(pair)
            rows.setdefault(name, []).append(row | {"apart": apart(row["here"], row["there"])})
            say(f"{name}: {rows[name][-1]}")
    return {"host": options.host, "runs": rows}


def apart(here: Mapping[str, float], there: Mapping[str, float]) -> bool:
    """Whether two intervals do not overlap."""
    return here["high"] < there["low"] or there["high"] < here["low"]


def _ratio(pair: Sequence[str], host: str | None, limit: float, seed: int) -> dict[str, float]:
    settings = sepcost.Settings(max_time_s=limit, host=host, seed=seed)
    found = sepcost.bench(pair, rho=RHO, settings=settings)
    ratio = found.comparisons[0].ratio
    values = {"estimate": ratio.estimate, "low": ratio.low, "high": ratio.high}
    return {key: tidy(value) for key, value in values.items()} | {"seconds": tidy(found.elapsed_s)}


if __name__ == "__main__":
    main()
