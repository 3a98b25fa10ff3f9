"""Fuzz one target in this process: ``python -m tests.fuzz.child TARGET OPTION...``."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from random import Random

import atheris
import onnx
from google.protobuf.message import DecodeError

from tests import mutations

INSTRUMENTED = ["sepcost", "tomllib"]

#: Packages that readers import only when they are called.
LAZY = ("sepcost.model", "sepcost.cost", "sepcost.budget")


def main() -> None:
    """Instrument the package, then fuzz until the time is up or the target breaks."""
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        for package in LAZY:
            _import_all(package)
        # Imported here so that the modules it imports are instrumented.
        from tests.fuzz.targets import TARGETS, accepts
    mutator = {"custom_mutator": _structured} if TARGETS[name].structured else {}
    atheris.Setup([sys.argv[0], *arguments], lambda data: accepts(name, data), **mutator)
    atheris.Fuzz()


def _import_all(package: str) -> None:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        importlib.import_module(module.name)


def _structured(data: bytes, most: int, seed: int) -> bytes:
    """Change fields of the model two times out of three, otherwise bytes."""
    random = Random(seed)
    if seed % 3:
        try:
            model = onnx.ModelProto.FromString(data)
            for _ in range(random.randint(1, 3)):
                random.choice(mutations.CHANGES)(model, random)
            changed = bytes(model.SerializeToString())
        except (DecodeError, ValueError):  # a string that is not UTF-8
            return bytes(atheris.Mutate(data, most))
        if len(changed) <= most:
            return changed
    return bytes(atheris.Mutate(data, most))


if __name__ == "__main__":
    main()
