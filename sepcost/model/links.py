"""A model for ONNX Runtime whose data files are links, as in a hub's cache.

ONNX Runtime does not follow links out of the model's folder, so locations of data are replaced by
those of the files that the links lead to.
"""

from __future__ import annotations

import os
from pathlib import Path

import onnx

from sepcost.model.graphs import tensors
from sepcost.model.values import text


def serialised(model: onnx.ModelProto, home: Path) -> tuple[bytes, Path]:
    """Return the bytes of a model whose external data is relative to ``home``.

    Returns
    -------
    tuple
        The bytes, and the folder to which their locations are relative; ``model`` is unchanged.
    """
    places = [
        entry
        for tensor in tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    ]
    kept = [place.value for place in places]
    files = [(home / text(name)).resolve() for name in kept]
    top = Path(os.path.commonpath([file.parent for file in files])) if files else home.resolve()
    try:
        for place, file in zip(places, files, strict=True):
            place.value = file.relative_to(top).as_posix()
        return model.SerializeToString(), top
    finally:
        for place, name in zip(places, kept, strict=True):
            place.value = name
