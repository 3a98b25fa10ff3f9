"""A world of files for a command, so that it neither reads nor writes the machine's own files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

ROOT = Path(__file__).parents[2]
OLD = b"what was there before"

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,8,16,16] x) => (float[1,32,16,16] y) {
  h = Conv <pads = [1,1,1,1]> (x, w)
  r = Relu (h)
  y = Conv <pads = [1,1,1,1]> (r, v)
}"""


@dataclass(frozen=True, slots=True)
class World:
    """A working folder, with separate folders for temporary files, the cache and home."""

    top: Path

    @property
    def work(self) -> Path:
        return self.top / "work"

    @property
    def temporary(self) -> Path:
        return self.top / "temporary"

    @property
    def cache(self) -> Path:
        return self.top / "cache"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            "HOME": str(self.top / "home"),
            "XDG_CACHE_HOME": str(self.cache),
            "LANG": "C.UTF-8",
        }


def make(top: Path, old: Sequence[str] = ()) -> World:
    """Create the models that the commands name, and old files at their outputs."""
    world = World(top)
    for folder in (world.work, world.temporary, top / "home", world.cache):
        folder.mkdir(parents=True)
    onnx.save(model(0), world.work / "m.onnx")
    onnx.save(model(1), world.work / "n.onnx")
    keep_apart(model(0), world.work / "apart.onnx")
    for name in old:
        (world.work / name).write_bytes(OLD)
    return world


def model(seed: int) -> onnx.ModelProto:
    """Two eligible convolutions with 46 kB of weights."""
    proto = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(seed)
    for name, shape in {"w": (32, 8, 3, 3), "v": (32, 32, 3, 3)}.items():
        array = random.standard_normal(shape).astype(np.float32) / 8
        proto.graph.initializer.append(numpy_helper.from_array(array, name))
    return proto


def keep_apart(proto: onnx.ModelProto, path: Path) -> None:
    """Save a model with its weights in a separate file."""
    where = f"{path.name}.data"
    onnx.save(proto, path, save_as_external_data=True, location=where, size_threshold=0)


def digests(folder: Path) -> dict[str, str]:
    """Every name below a folder, with a digest of its content."""
    return {
        str(path.relative_to(folder)): _digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() or path.is_symlink() or path.is_dir()
    }


def _digest(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
