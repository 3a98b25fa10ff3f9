"""Sessions of models that are not in a file, and their errors in one line.

ONNX Runtime is reached only through ``sepcost.latency.runtime``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import onnx

from sepcost.errors import SepcostError
from sepcost.latency.jobs import FOLDER_KEY, Runtime
from sepcost.model.links import serialised
from sepcost.model.load import Loaded
from sepcost.model.tensors import folder

if TYPE_CHECKING:
    import onnxruntime as ort

LOADING = "loading"


def opened(
    proto: onnx.ModelProto,
    model: Loaded,
    settings: Runtime,
    adjust: Callable[[ort.SessionOptions], None] = lambda _: None,
    doing: str = LOADING,
) -> ort.InferenceSession:
    """Make a session.

    Parameters
    ----------
    proto
        What is run; external weights are read from their files.
    model
        The model that it was made from.
    settings
        Settings of the session.
    adjust
        Changes further options.
    doing
        What errors say that it was made for.

    Raises
    ------
    SepcostError
        ONNX Runtime cannot load the model.
    """
    from sepcost.latency import runtime  # noqa: PLC0415 - the import of ONNX Runtime

    data, home = serialised(proto, folder(model))

    def locate(options: ort.SessionOptions) -> None:
        options.add_session_config_entry(FOLDER_KEY, str(home))
        adjust(options)

    with explained(doing, model.source):
        return runtime.session(data, settings, locate)


@contextmanager
def explained(doing: str, source: str) -> Iterator[None]:
    """Raise an error of ONNX Runtime as one line that names the model and the cause."""
    from sepcost.latency import runtime  # noqa: PLC0415 - the import of ONNX Runtime

    try:
        yield
    except SepcostError:
        raise
    except Exception as error:
        raise runtime.explain(error, doing, source) from error
