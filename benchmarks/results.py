"""What every part shares: its options, and the JSON document that it leaves."""

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

#: What the figures depend on.
NAMED = (
    "sepcost", "numpy", "onnx", "onnxruntime",
    "onnx-tool", "onnx-opcounter", "onnxsim", "onnxslim",
)  # fmt: skip

Options = argparse.Namespace
#: A part: from its options and a folder for temporary files to what it found.
Part = Callable[[Options, Path], Mapping[str, Any]]


def run(name: str, part: Part, parser: argparse.ArgumentParser) -> None:
    """Carry out one part and leave its document.

    Parameters
    ----------
    name
        Of the part, and of its file.
    part
        What to do.
    parser
        With the part's own options; those of all parts are added here.
    """
    options = _shared(parser).parse_args()
    before, started, start = machine.facts(), datetime.now(UTC), monotonic()
    with tempfile.TemporaryDirectory(prefix="sepcost-", dir=options.folder) as folder:
        found = part(options, Path(folder))
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
        **found,
    }
    if options.json:
        write(options.json, document)


def _given(parser: argparse.ArgumentParser, options: Options) -> list[str]:
    """Return what was typed that the figures depend on; where files lie is none of it."""
    words = []
    for name, value in vars(options).items():
        if value == parser.get_default(name) or isinstance(value, Path):
            continue
        values = value if isinstance(value, list) else [] if value is True else [value]
        words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def _shared(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--quick", action="store_true", help="a taste of it, in minutes")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    parser.add_argument("--peers", type=Path, help="bin of an environment with the peers")
    parser.add_argument("--hyperfine", type=Path, help="the program, where there is one")
    return parser


def _versions(peers: Path | None) -> dict[str, Any]:
    """Return those of Python, of what we compute with, and of the peers."""
    found: dict[str, Any] = {"python": sys.version.split()[0]}
    for title, home in (("ours", Path(sys.executable).parent), ("peers", peers)):
        if home:
            listed = versions(home)
            found[title] = {name: listed[name] for name in NAMED if name in listed}
    return found


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document so that a diff shows what changed: one run a line, beside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(_lines(document, 0) + "\n", encoding="utf-8")
    os.replace(beside, path)


def _lines(value: Any, depth: int) -> str:
    """JSON with small things on one line."""
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
    """Return the document of each part that has one."""
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def say(line: str) -> None:
    """Tell on stderr how it goes."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell what goes on, and how long it took."""
    say(f"{what} …")
    start = monotonic()
    yield
    say(f"{what}: {monotonic() - start:.0f} s")


def chosen(names: str, every: Sequence[str]) -> list[str]:
    """Return those of ``every`` that a comma-separated list names; all where it is empty."""
    wanted = [name for name in names.split(",") if name]
    if unknown := set(wanted) - set(every):
        sys.exit(f"{', '.join(sorted(unknown))}: choose from {', '.join(every)}")
    return wanted or list(every)
