"""ONNX's own test of each operator that sums products: small models with their inputs.

Some are repeated with the operator expanded into the simpler operators that define it.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx.backend.test.case import node as cases

MODULES = (
    "attention", "causal_conv_with_state", "conv", "convinteger", "convtranspose", "deformconv",
    "einsum", "flexattention", "gemm", "gru", "if_", "linear_attention", "loop", "lstm", "matmul",
    "matmulinteger", "qlinearconv", "qlinearmatmul", "rnn", "scan",
)  # fmt: skip


class Case(NamedTuple):
    """One model and its inputs; the name says whether it is expanded."""

    name: str
    model: onnx.ModelProto
    feeds: dict[str, Any]

    def save(self, folder: Path) -> Path:
        """Write the model to a file."""
        path = folder / "case.onnx"
        onnx.save(self.model, path)
        return path


def collect() -> Iterator[Case]:
    """Collect the cases of ``MODULES``, which create them on import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of ONNX's own code do not matter here
        for name in MODULES:
            with contextlib.suppress(ModuleNotFoundError):  # newer than this ONNX
                import_module(f"{cases.__name__}.{name}")
    for case in cases._NodeTestCases:
        names = [value.name for value in case.model.graph.input]
        feeds = zip(names, case.data_sets[0][0], strict=True)
        yield Case(case.name, case.model, {name: _array(feed) for name, feed in feeds})


def _array(feed: Any) -> Any:
    return feed if isinstance(feed, list) else np.asarray(feed)
