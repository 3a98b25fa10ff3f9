"""``sepcost analyze`` against its peers: wall and CPU time and peak memory of whole processes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.models import GENERATED, LARGE, TWINS, exported, light
from benchmarks.processes import KEYS, process
from benchmarks.results import Options, chosen, run, say, step
from benchmarks.rounds import compared, interleave

LIGHT, EXPORTED = "light", "exported"
FILES = {LIGHT: light, EXPORTED: exported}
KINDS = (*FILES, *GENERATED)
#: The side that reads the twin of a model (see ``models.TWINS``).
TWIN = "sepcost, 10 kB"
#: Models for which the peers would need seven times their size in memory.
ALONE = frozenset(LARGE)
QUICK = ("light_squeezenet", "weights5mb")


def main() -> None:
    """Run this part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="runs per command (5; quick: 1)")
    parser.add_argument("--only", default="", help=f"only these, of {', '.join(KINDS)}")
    parser.add_argument("--large", action="store_true", help="also 5 GB of external data")
    run("analyze", part, parser)


def part(options: Options, folder: Path) -> Mapping[str, Any]:
    """Time every tool on every model."""
    rounds = options.rounds or (1 if options.quick else 5)
    ours = str(Path(sys.executable).with_name("sepcost"))
    results: dict[str, Any] = {}
    for name, path in _models(options, folder):
        commands = {peers.OURS: [ours, "analyze", str(path)]}
        if name not in ALONE and options.peers:
            commands |= {peer: peers.command(options.peers, peer, path) for peer in peers.COMMANDS}
        if name in TWINS:
            twin = path.with_name("twin.onnx")
            TWINS[name](twin)
            commands[TWIN] = [ours, "analyze", str(twin)]
        sides = {tool: process(line, folder) for tool, line in commands.items()}
        with step(f"{name}: {len(sides)} tools, {rounds + 1} rounds"):
            tools = compared(interleave(sides, rounds), peers.OURS)
        results[name] = {"bytes": _size(path), "tools": tools}
        say(table(name, results[name]))
        for file in path.parent.iterdir() if path.is_relative_to(folder) else ():
            file.unlink()
    return {"no_macs": sorted(peers.NO_MACS), "models": results}


def _models(options: Options, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and file; each file is generated just before it is measured."""
    generated = folder / "models"
    generated.mkdir()
    makers = dict(GENERATED) | (dict(LARGE) if options.large else {})
    for kind in chosen(options.only, [*FILES, *makers]):
        if kind in FILES:
            files = ((path.stem, path) for path in FILES[kind]())
            yield from (one for one in files if not options.quick or one[0] in QUICK)
        elif options.only or not options.quick or kind in QUICK:
            path = generated / f"{kind}.onnx"
            makers[kind](path)
            yield kind, path


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def table(model: str, measured: Mapping[str, Any]) -> str:
    """Lay out time and memory of each tool, and their ratios to ours."""
    titles = "".join(f"{title:>24}" for title in ("wall / ours", "cpu / ours", "peak / ours"))
    lines = [
        f"\n{model} ({measured['bytes'] / 1e6:,.1f} MB)",
        f"{'':16}{'wall s':>8}{'cpu s':>8}{'peak MB':>9}{titles}",
    ]
    for name, tool in measured["tools"].items():
        mark = "*" if name in peers.NO_MACS else ""
        if "failed" in tool:
            lines.append(f"{name + mark:16} {tool['failed']}")
            continue
        wall, cpu, peak = (tool[key][1] for key in KEYS)
        shown = "".join(_ratio(tool["ratios"][key]) for key in KEYS) if name != peers.OURS else ""
        lines.append(f"{name + mark:16}{wall:8.2f}{cpu:8.2f}{peak:9.0f}{shown}")
    return "\n".join(lines)


def _ratio(spread: Sequence[float]) -> str:
    low, middle, high = spread
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]".rjust(24)


if __name__ == "__main__":
    main()
