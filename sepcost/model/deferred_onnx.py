"""``import onnx`` without its Python start, which takes as long as the analysis of a small model.

``onnx/__init__`` imports numpy and all of onnx's own modules. Counting needs only the protobuf
classes and ONNX's C++ library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

#: The module with the protobuf classes, which imports nothing else of onnx.
PROTOS = "onnx.onnx_ml_pb2"

#: Modules that can be imported alone.
ALONE = frozenset({"checker", "defs", "helper", "numpy_helper", "shape_inference"})


def defer() -> None:
    """Register a module ``onnx`` that runs ``onnx/__init__`` when something else of it is used.

    It is the module that a plain import would have made: same name, path and spec, and later
    imports find it. If onnx is missing or was imported before, nothing happens.
    """
    spec = None if "onnx" in sys.modules else find_spec("onnx")
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    vars(module)["__getattr__"] = _attribute(module, spec)  # PEP 562
    sys.modules["onnx"] = module


def _attribute(module: ModuleType, spec: ModuleSpec) -> Callable[[str], Any]:
    """What the module does when it lacks an attribute: get that alone, or start in full."""

    def get(name: str) -> Any:
        if name in ALONE:
            return import_module(f"onnx.{name}")
        value = None if name.startswith("_") else vars(import_module(PROTOS)).get(name)
        if value is None:
            _start(module, spec)
            return getattr(module, name)
        setattr(module, name, value)
        return value

    return get


def _start(module: ModuleType, spec: ModuleSpec) -> None:
    """Run ``onnx/__init__``."""
    assert spec.loader is not None
    del vars(module)["__getattr__"]
    spec.loader.exec_module(module)
