"""Have ONNX check a model without its weights, which no check looks at."""

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
from sepcost.model.strip_weights import skim
from sepcost.model.tensor_checks import location


def skimmed(path: Path, source: str) -> onnx.ModelProto:
    """Read the model at ``path``, which the user named ``source``, its weights left on disk."""
    proto: onnx.ModelProto = onnx.ModelProto.FromString(skim(path, source).data)
    return proto


def locations(proto: onnx.ModelProto) -> Iterator[str]:
    """Yield the name of every file that the model keeps weights in, as often as it does."""
    for tensor in tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield location(tensor)


def problem(model: onnx.ModelProto) -> str | None:
    """Say what ONNX finds wrong with a model; its weights, which no check looks at, stay out.

    References to data files need files to refer to: empty ones do.
    """
    with tempfile.TemporaryDirectory(prefix="sepcost-") as name:
        home = Path(name)
        for named in set(locations(model)):
            (home / named).parent.mkdir(parents=True, exist_ok=True)
            (home / named).touch()
        path = home / "checked.onnx"
        path.write_bytes(model.SerializeToString())
        try:
            with _unheard():
                onnx.checker.check_model(path, full_check=True)
        except Exception as error:
            return first_line(error)
    return None


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep what native code prints to file descriptor 1 out of the user's output."""
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # there is none
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
