"""Check a model with ONNX's checker, without loading its weights."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx

from sepcost.errors import first_line
from sepcost.model.graphs import tensors
from sepcost.model.strip_weights import strip
from sepcost.model.tensor_checks import location


def stripped(path: Path, source: str) -> onnx.ModelProto:
    """Read the model at ``path``, named ``source`` by the user, and leave its weights on disk."""
    proto: onnx.ModelProto = onnx.ModelProto.FromString(strip(path, source).data)
    return proto


def locations(proto: onnx.ModelProto) -> Iterator[str]:
    """Yield the data file of each external tensor."""
    for tensor in tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield location(tensor)


def problem(model: onnx.ModelProto) -> str | None:
    """Return what ONNX's checker finds wrong with a model; None if nothing.

    The checker requires the data files to exist but does not read them, so empty ones suffice.
    """
    with tempfile.TemporaryDirectory(prefix="sepcost-") as name:
        home = Path(name)
        for named in set(locations(model)):
            (home / named).parent.mkdir(parents=True, exist_ok=True)
            (home / named).touch()
        path = home / "checked.onnx"
        path.write_bytes(model.SerializeToString())
        try:
            with _silent():
                onnx.checker.check_model(path, full_check=True)
        except Exception as error:
            return first_line(error)
    return None


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Discard what native code prints to file descriptor 1."""
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # stdout is closed
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
