"""Checks that must pass however a command ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import onnx

from tests.faults.process import Outcome, can_find_processes, left_running
from tests.faults.world import OLD, World, digests

#: Text that only an unhandled error prints.
UNGUARDED = ("Traceback", "Exception ignored", "Fatal Python error", "terminate called")

INPUT_ERROR = 2


def check(outcome: Outcome, codes: Sequence[int], outputs: Sequence[str] = ()) -> None:
    """Nothing is lost, half-written or left behind, and the outcome is reported as promised."""
    shown = f"{outcome.code}: {outcome.stderr[-2000:]}"
    assert outcome.code in codes, shown
    assert not any(word in outcome.stderr for word in UNGUARDED), shown
    if outcome.code == INPUT_ERROR and outcome.stderr:
        assert outcome.stderr.startswith("sepcost: error: "), shown
        assert outcome.stderr.count("\n") == 1, shown
    check_files(outcome.run.world, outcome.run.before, outputs)
    if can_find_processes():
        assert left_running(outcome.run.token) == []


def check_files(world: World, before: Mapping[str, str], outputs: Sequence[str] = ()) -> None:
    """Old files are unchanged, each output is old or complete, and no other file exists."""
    after = digests(world.work)
    assert {n: d for n, d in after.items() if n not in outputs} == {
        n: d for n, d in before.items() if n not in outputs
    }
    for name in outputs:
        assert after.get(name) == before.get(name) or is_whole(world.work / name), name
    assert list(world.temporary.iterdir()) == []


def is_whole(path: Path) -> bool:
    """Whether a written file is complete."""
    return WHOLE[path.suffix](path)


def _model(path: Path) -> bool:
    if path.read_bytes() == OLD:
        return False
    proto = onnx.load(path)  # including the weights that it refers to
    onnx.checker.check_model(proto, full_check=True)
    return True


def _data(path: Path) -> bool:
    """A data file has one of two names; whether it fits its model shows when that is loaded."""
    other = path.with_suffix(".2.data")
    return (path if path.exists() else other).read_bytes() not in (OLD, b"")


def _page(path: Path) -> bool:
    return path.read_text("utf-8").rstrip().endswith("</html>")


def _document(path: Path) -> bool:
    return isinstance(json.loads(path.read_bytes()), dict)


def _xml(path: Path) -> bool:
    return ElementTree.parse(path).getroot() is not None


WHOLE: Mapping[str, Callable[[Path], bool]] = {
    ".onnx": _model,
    ".data": _data,
    ".json": _document,
    ".html": _page,
    ".xml": _xml,
}
