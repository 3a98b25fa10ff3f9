"""One target under atheris, in a process of its own: ``python -m fuzz.child TARGET OPTION...``."""

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

#: What the readers import when they are called, and not before.
LAZY = ("sepcost.model", "sepcost.cost", "sepcost.budget")


def main() -> None:
    """Instrument the package, then fuzz until libFuzzer has had enough or something breaks."""
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        for package in LAZY:
            _import_all(package)
        from fuzz.targets import TARGETS, held  # noqa: PLC0415  (what it imports is instrumented)
    mutator = {"custom_mutator": _structured} if TARGETS[name].structured else {}
    atheris.Setup([sys.argv[0], *arguments], lambda data: held(name, data), **mutator)
    atheris.Fuzz()


def _import_all(package: str) -> None:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        importlib.import_module(module.name)


def _structured(data: bytes, most: int, seed: int) -> bytes:
    """Change fields of a model two times out of three, else bytes."""
    random = Random(seed)
    if seed % 3:
        try:
            model = onnx.ModelProto.FromString(data)
            for _ in range(random.randint(1, 3)):
                random.choice(mutations.CHANGES)(model, random)
            changed = bytes(model.SerializeToString())
        except (DecodeError, ValueError):  # a string that is no UTF-8
            return bytes(atheris.Mutate(data, most))
        if len(changed) <= most:
            return changed
    return bytes(atheris.Mutate(data, most))


if __name__ == "__main__":
    main()
