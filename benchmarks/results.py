"""The options and the JSON document that all parts share."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.environments import versions
from sepcost.latency import machine

SCHEMA = "sepcost/benchmark/1"
ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("results")

#: Packages that the figures depend on.
NAMED = (
    "python", "sepcost", "numpy", "onnx", "onnxruntime",
    "onnx-tool", "onnx-opcounter", "onnxsim", "onnxslim",
)  # fmt: skip

Options = argparse.Namespace
#: A part: a function of its options and a folder for temporary files that returns its results.
Part = Callable[[Options, Path], Mapping[str, Any]]


def run(name: str, part: Part, parser: argparse.ArgumentParser) -> None:
    """Run one part and write its document.

    Parameters
    ----------
    name
        Name of the part and of its file.
    part
        The part itself.
    parser
        The part's own options; the shared ones are added here.
    """
    options = _shared(parser).parse_args()
    before, started, start = machine.facts(), datetime.now(UTC), monotonic()
    with tempfile.TemporaryDirectory(prefix="sepcost-", dir=options.folder) as folder:
        measured = part(options, Path(folder))
    facts = asdict(before)
    del facts["name"], facts["peaks"], facts["onnxruntime"], facts["load"]
    document = {
        "schema": SCHEMA,
        "part": name,
        "date": started.isoformat(timespec="minutes"),
        "options": _given(parser, options),
        "seconds": round(monotonic() - start),
        "machine": facts | {"load_before": before.load, "load_after": machine.facts().load},
        "versions": _versions(options.peers),
        **measured,
    }
    if options.json:
        write(options.json, document)


def _given(parser: argparse.ArgumentParser, options: Options) -> list[str]:
    """Return the options that the figures depend on; paths are left out."""
    words = []
    for name, value in vars(options).items():
        if value == parser.get_default(name) or isinstance(value, Path):
            continue
        values = value if isinstance(value, list) else [] if value is True else [value]
        words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def _shared(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--quick", action="store_true", help="a short run, in minutes")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--folder", type=Path, help="folder for temporary files")
    parser.add_argument("--peers", type=Path, help="bin folder of an environment with the peers")
    parser.add_argument("--hyperfine", type=Path, help="path of the program")
    return parser


def _versions(peers: Path | None) -> dict[str, Any]:
    """Return the versions of Python, of our packages and of the peers."""
    known: dict[str, Any] = {"python": sys.version.split()[0]}
    for title, home in (("ours", Path(sys.executable).parent), ("peers", peers)):
        if home:
            listed = versions(home)
            known[title] = {name: listed[name] for name in NAMED if name in listed}
    return known


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document with one run per line, for readable diffs; replaces the file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(_lines(document, 0) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _lines(value: Any, depth: int) -> str:
    """Lay out JSON with small values on one line."""
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(flat) + depth <= 100 or not isinstance(value, dict | list):
        return flat
    pad, end = " " * (depth + 1), " " * depth
    if isinstance(value, dict):
        rows = [
            f"{json.dumps(str(k), ensure_ascii=False)}: {_lines(v, depth + 1)}"
            for k, v in value.items()
        ]
        return "{\n" + ",\n".join(pad + row for row in rows) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + _lines(one, depth + 1) for one in value) + f"\n{end}]"


def read(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Return the documents of all parts that have results."""
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def say(line: str) -> None:
    """Report progress on stderr."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Report the current step and its time."""
    say(f"{what} …")
    start = monotonic()
    yield
    say(f"{what}: {monotonic() - start:.0f} s")


def chosen(names: str, every: Sequence[str]) -> list[str]:
    """Return the names in a comma-separated list; all of ``every`` if it is empty."""
    wanted = [name for name in names.split(",") if name]
    if unknown := set(wanted) - set(every):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(every)}")
    return wanted or list(every)
