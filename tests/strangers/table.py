"""The kept table of outcomes: one file per collection, one line per model, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime

from tests.strangers.outcome import COLUMNS, OF_THE_RUNTIME, Outcome

FOLDER = Path(__file__).parent / "outcomes"
VERSIONS = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}


@dataclass(frozen=True, slots=True)
class Table:
    """The outcomes of one collection, with the versions that produced them."""

    versions: Mapping[str, str]
    rows: Mapping[str, Outcome]

    def columns(self) -> tuple[str, ...]:
        """The columns that must match on this machine."""
        if self.versions["onnx"] != VERSIONS["onnx"]:
            return ()  # other versions may have other models and other inferred shapes
        if self.versions["onnxruntime"] != VERSIONS["onnxruntime"]:
            return tuple(column for column in COLUMNS if column not in OF_THE_RUNTIME)
        return COLUMNS


def write(collection: str, outcomes: Sequence[Outcome]) -> None:
    """Replace the table of a collection."""
    versions = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
    lines = [f"# {versions}", "\t".join(COLUMNS), *(one.line for one in outcomes)]
    FOLDER.mkdir(exist_ok=True)
    _path(collection).write_text("\n".join([*lines, ""]), encoding="utf-8")


def read(collection: str) -> Table:
    """Read the table of a collection."""
    head, _, *lines = _path(collection).read_text(encoding="utf-8").splitlines()
    versions = dict(pair.split(" ") for pair in head.removeprefix("# ").split(", "))
    rows = (Outcome(*line.split("\t")) for line in lines)
    return Table(versions, {row.model: row for row in rows})


def _path(collection: str) -> Path:
    return FOLDER / f"{collection}.tsv"
