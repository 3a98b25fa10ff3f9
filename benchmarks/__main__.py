"""Measure every figure in the README again: ``python -m benchmarks``.

Needs Python, pip, a network, and 3 GB of disk space while it runs. sepcost and its peers are
installed into temporary environments; the rest of the system does not change.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environments import PEERS as INSTALLS
from benchmarks.environments import PEERS_PYTHON, environment, hyperfine, interpreter
from benchmarks.parts import HYPERFINE, PARTS, PEERS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def main() -> None:
    """Print the schedule, set up, run each part, draw the charts."""
    options = _options()
    names = _chosen(options.only)
    print(schedule(names, options.quick))
    if options.list:
        return
    results = options.results or HERE / ("quick" if options.quick else "results")
    with tempfile.TemporaryDirectory(prefix="sepcost-bench-", dir=options.folder) as folder:
        python, arguments = _set_up(names, Path(folder))
        arguments += ["--folder", folder, *(["--quick"] if options.quick else [])]
        failed = []
        for name in names:
            print(f"\n== {name}: {PARTS[name].title}", flush=True)
            target = ["--json", str(results / f"{name}.json")]
            line = [python, "-m", f"benchmarks.{name}", *arguments, *target]
            if subprocess.run(line, cwd=ROOT, check=False).returncode:
                failed.append(name)
        for step in ("draw", "table"):
            line = [python, "-m", f"benchmarks.{step}", "--results", str(results)]
            subprocess.run(line, cwd=ROOT, check=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help=f"only these parts, of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="a short run of each, in minutes")
    parser.add_argument("--list", action="store_true", help="print how long it takes, then exit")
    parser.add_argument(
        "--results",
        type=Path,
        help="folder for results (benchmarks/results; quick: benchmarks/quick)",
    )
    parser.add_argument("--folder", type=Path, help="folder for temporary files")
    options = parser.parse_args()
    options.results = options.results and options.results.resolve()
    return options


def _chosen(only: str) -> list[str]:
    names = [name for name in only.split(",") if name]
    if unknown := [name for name in names if name not in PARTS]:
        sys.exit(f"unknown part {', '.join(unknown)}: choose from {', '.join(PARTS)}")
    return names or list(PARTS)


def schedule(names: Sequence[str], quick: bool) -> str:
    """Return the chosen parts with their times, and the total including setup."""
    taken = {name: PARTS[name].quick_minutes if quick else PARTS[name].minutes for name in names}
    lines = [f"{name:12}{taken[name]:6g} min   {PARTS[name].title}" for name in names]
    return "\n".join([*lines, f"{'':12}{sum(taken.values()) + 1:6g} min   total"])


def _set_up(names: Sequence[str], folder: Path) -> tuple[str, list[str]]:
    """Install what the parts need; return our Python and the arguments of the parts."""
    needs = frozenset().union(*(PARTS[name].needs for name in names))
    print("\ninstalling sepcost", flush=True)
    ours, broken = environment(folder / "ours", (f"{ROOT}[test]",))
    if broken:
        sys.exit(f"sepcost cannot be installed: {broken[0]}")
    arguments: list[str] = []
    if PEERS in needs:
        print("installing its peers", flush=True)
        theirs, missing = _peers(folder / "peers")
        arguments += ["--peers", str(theirs)]
        for line in missing:
            print(f"not installed: {line}")
    if HYPERFINE in needs:
        program = hyperfine(folder / "hyperfine")
        arguments += ["--hyperfine", str(program)] if program else []
        print(f"hyperfine: {program or 'not available; its rows are left out'}")
    return str(ours / "python"), arguments


def _peers(folder: Path) -> tuple[Path, list[str]]:
    """Install the peers, in a newer Python than ours if one of them needs it and there is one."""
    python = interpreter(PEERS_PYTHON)
    if python is not None:
        return environment(folder, *INSTALLS, python=python)
    needed = ".".join(map(str, PEERS_PYTHON))
    print(f"no Python {needed} or newer on the PATH, by uv or by pyenv: some peers are left out")
    return environment(folder, *INSTALLS)


if __name__ == "__main__":
    main()
