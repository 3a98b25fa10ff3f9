"""The data files of a model."""

from __future__ import annotations

from pathlib import Path

from sepcost.model.load import load


def files(path: Path) -> tuple[Path, ...]:
    """Return the data files that an ONNX file refers to, whether they exist or not.

    Raises
    ------
    ModelError
        If the file is not an ONNX model, or refers to data outside its folder.
    """
    return tuple(path.parent / name for name in sorted(load(path).data_files))
