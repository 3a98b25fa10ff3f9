"""``sepcost analyze`` beside its peers: whole processes, one command that does all its set-up.

    python benchmarks/analyze.py [--rounds N] [--only vgg19,light] [--large] [--json FILE]

Needs Python, pip, the network for the peers, and some 2 GB of disk that it gives back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.processes import KEYS, environment, interleave, machine, summary, versions

ROOT = Path(__file__).resolve().parents[1]
OURS = "sepcost"

PROFILE = "import sys, onnx_tool; onnx_tool.model_profile(sys.argv[1])"

#: name -> what to run in the peers' environment, ``{}`` being the model. Those that do not count
#: MACs stand for what reading and describing a file takes.
PEERS: Mapping[str, Sequence[str]] = {
    "onnx-tool": ("python", "-c", PROFILE, "{}"),
    "onnx-opcounter": ("onnx_opcounter", "--calculate-macs", "{}"),
    "onnxsim": ("python", "-m", "onnxsim.shape_cost", "{}"),
    "onnxslim": ("onnxslim", "{}", "--inspect"),
}
#: Peers that tell no MACs.
NO_MACS = frozenset({"onnxslim"})

#: Models that peers would need seven times their size of memory for.
ALONE = frozenset({"weights5gb"})

#: pip's arguments, one call each: what cannot be installed is told, and the others go on.
INSTALLS = (
    ("onnx", "onnxruntime", "setuptools<70", "wheel"),
    ("onnx-tool",),
    ("onnxslim",),
    ("onnxsim",),
    ("--no-build-isolation", "onnx-opcounter"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Set up, run, tell."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="sepcost-bench-", dir=options.folder) as name:
        folder = Path(name)
        _say("installing sepcost and its peers")
        ours, broken = environment(folder / "ours", (str(ROOT),))
        if broken:
            sys.exit(f"sepcost cannot be installed: {broken[0]}")
        theirs, missing = environment(folder / "peers", *INSTALLS)
        result: dict[str, Any] = {
            "machine": machine(),
            "versions": {"ours": versions(ours), "peers": versions(theirs)},
            "not_installed": missing,
            "models": {},
        }
        for model, path in _models(options, folder, theirs):
            commands = {OURS: [str(ours / "sepcost"), "analyze", str(path)]}
            if model not in ALONE:
                commands |= {peer: _command(theirs, peer, path) for peer in PEERS}
            samples = interleave(commands, options.rounds)
            result["models"][model] = {"bytes": _size(path), "tools": summary(samples, OURS)}
            print(_table(model, result["models"][model]), flush=True)
            for file in path.parent.iterdir() if path.parent == folder / "models" else ():
                file.unlink()
    for line in missing:
        print(f"not installed: {line}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (5)")
    parser.add_argument("--only", default="", help="models, or 'light', separated by commas")
    parser.add_argument("--large", action="store_true", help="also 5 GB of external data")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    return parser.parse_args(arguments)


def _models(options: argparse.Namespace, folder: Path, home: Path) -> Any:
    """Yield name and file, each generated when its turn comes, by a process of its own."""
    wanted = [name for name in options.only.split(",") if name]
    kinds = ["light", "nodes20k", "weights5mb", "weights500mb", "vgg19"]
    kinds += ["weights5gb"] if options.large else []
    (folder / "models").mkdir()
    for kind in kinds:
        if wanted and kind not in wanted:
            continue
        if kind == "light":
            listed = _generate(home, "for path in light(): print(path)")
            yield from ((Path(line).stem, Path(line)) for line in listed.splitlines())
            continue
        _say(f"generating {kind}")
        path = folder / "models" / f"{kind}.onnx"
        _generate(home, f"(GENERATED | LARGE)[{kind!r}](Path({str(path)!r}))")
        yield kind, path


def _generate(home: Path, code: str) -> str:
    return subprocess.run(
        [str(home / "python"), "-c", f"from benchmarks.models import *\n{code}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def _command(home: Path, peer: str, path: Path) -> list[str]:
    program, *rest = PEERS[peer]
    return [str(home / program), *(part.replace("{}", str(path)) for part in rest)]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def _table(model: str, found: Mapping[str, Any]) -> str:
    lines = [
        f"\n{model} ({found['bytes'] / 1e6:,.1f} MB)",
        f"{'':16}{'wall s':>8}{'cpu s':>8}{'peak MB':>9}    "
        + "".join(f"{title:>22}" for title in ("wall / ours", "cpu / ours", "peak / ours")),
    ]
    for name, tool in found["tools"].items():
        mark = "*" if name in NO_MACS else ""
        if "wall_s" not in tool:
            lines.append(f"{name + mark:16}failed with code {tool['failed']}")
            continue
        middle = [tool[key][1] for key in KEYS]
        ratios = "".join(_ratio(tool[f"{key}_ratio"]) for key in KEYS) if name != OURS else ""
        lines.append(
            f"{name + mark:16}{middle[0]:8.2f}{middle[1]:8.2f}{middle[2]:9.0f}    {ratios}"
        )
    return "\n".join(lines)


def _ratio(spread: Sequence[float]) -> str:
    low, middle, high = spread
    return f"{middle:10.2f} [{low:.2f}, {high:.2f}]".rjust(22)


def _say(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
