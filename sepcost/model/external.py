"""The files beside a model that hold its weights."""

from __future__ import annotations

from pathlib import Path

from sepcost.model.load import load


def files(path: Path) -> tuple[Path, ...]:
    """Where an ONNX file keeps external data, each file once, whether it is there or not.

    Raises
    ------
    ModelError
        Where the file is no ONNX model, or points outside its folder.
    """
    return tuple(path.parent / name for name in sorted(load(path).beside))
