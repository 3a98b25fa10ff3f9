"""The files beside a model that hold its weights."""

from __future__ import annotations

from pathlib import Path

import onnx

from sepcost.model.load import load
from sepcost.model.tree import tensors
from sepcost.model.values import text


def files(path: Path) -> tuple[Path, ...]:
    """Where an ONNX file keeps external data, each file once, whether it is there or not.

    Raises
    ------
    ModelError
        Where the file is no ONNX model, or points outside its folder.
    """
    proto = load(path).proto
    names = {
        text(entry.value)
        for tensor in tensors(proto)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return tuple(path.parent / name for name in sorted(names - {path.name}))
