"""From what the user names to a model in memory: file, layer spec, shipped name or stdin.

The border: what comes in here is untrusted, what goes out is a parsed ModelProto whose
external data stay within the folder of the model. Weights stay on disk (see ``skim``).
"""

from __future__ import annotations

import codecs
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import onnx
from google.protobuf.message import DecodeError

from sepcost.errors import ModelError
from sepcost.model import spec
from sepcost.model.small_constants import fetch
from sepcost.model.stamp import Stamp, stamped
from sepcost.model.strip_weights import skim
from sepcost.model.tensor_checks import check_tensors, location

STDIN = "-"

#: Larger than any model that protobuf can hold; weights beyond it live in external data.
MAX_STDIN_BYTES = 2**31

#: Where ORT-format files say what they are.
_ORT_IDENTIFIER = slice(4, 8)

#: How a pointer of Git LFS begins.
LFS = b"version https://git-lfs"

#: How other files that people mistake for ONNX begin, and what to do about each.
LOOKALIKES: Mapping[bytes, str] = {
    LFS: "is a Git LFS pointer: fetch the content with 'git lfs pull'",
    b"PK\x03\x04": "is a zip archive (a PyTorch checkpoint?): export it with torch.onnx.export",
    b"\x80": "is a pickle (a PyTorch checkpoint?): export it with torch.onnx.export",
    b"\x89HDF": "is an HDF5 file (Keras?): convert it with tf2onnx",
    b"\x1f\x8b": "is gzip-compressed: unpack it first",
    b"<": "is a web page or XML, not an ONNX model: check the download",
    b"{": "is JSON, not an ONNX model",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model at the door.

    ``path`` is None where the model has no file of its own (a spec, a shipped network).
    ``whole`` says that every weight can be reached through ``proto``.
    """

    name: str
    source: str
    proto: onnx.ModelProto
    path: Path | None = None
    whole: bool = True
    beside: frozenset[str] = frozenset()  # files of the same folder that hold external data
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)  # of all files, when they were read
    keeper: object = None  # holds the temporary folder of a model from stdin


def load(
    source: str | Path,
    *,
    alpha: float | None = None,
    rho: float | None = None,
    weights: bool = False,
) -> Loaded:
    """Load an ONNX file, a TOML layer spec, a shipped network or stdin (``-``).

    Parameters
    ----------
    source
        A path, the name of a shipped network, or ``-``.
    alpha, rho
        Width and resolution multiplier of a layer spec.
    weights
        Whether a layer spec is built with its weights, to be run and not only counted.

    Raises
    ------
    ModelError
        Where the source does not exist, is no ONNX model, or points outside its folder.
    SpecError
        Where a layer spec is malformed, or alpha or rho is given for an ONNX file.
    """
    name = str(source)
    build = Builder(alpha, rho, weights)
    if name == STDIN:
        return _from_stdin(build)
    path = Path(source)
    if spec.is_shipped(name) and not path.exists():
        return build(spec.find(name), name)
    _check_regular(path)
    if path.suffix == ".toml":
        return build(path, name)
    if alpha is not None or rho is not None:
        raise ModelError(f"{name}: alpha and rho apply to layer specs, not to an ONNX file")
    return _from_file(path, name)


@dataclass(frozen=True, slots=True)
class Builder:
    """How a layer spec is to be built, where the source turns out to be one."""

    alpha: float | None
    rho: float | None
    weights: bool

    def __call__(self, path: Path, source: str) -> Loaded:
        """Build the spec at ``path``, which the user named ``source``."""
        origin = "stdin" if source == STDIN else None
        proto = spec.build(
            path, alpha=self.alpha, rho=self.rho, weights=self.weights, origin=origin
        )
        return Loaded(proto.graph.name or path.stem, source, proto, whole=self.weights)


def _from_stdin(build: Builder) -> Loaded:
    """Spool stdin to a file of its own, so that weights stay out of memory here too."""
    folder = tempfile.TemporaryDirectory(prefix="sepcost-")
    path = Path(folder.name) / "stdin"
    with path.open("wb") as file:
        head = sys.stdin.buffer.read(1 << 16)
        file.write(head)
        if head and head[0]:  # a leading zero byte is no field: do not swallow /dev/zero
            _copy(sys.stdin.buffer, file)
    if not head:
        raise ModelError("stdin: is empty")
    if _is_toml(head):
        return build(path, STDIN)
    return replace(_from_file(path, "stdin"), source=STDIN, keeper=folder)


def _copy(stream: BinaryIO, file: BinaryIO) -> None:
    """Copy a stream that may never end, up to a limit."""
    while block := stream.read(1 << 20):
        if file.tell() > MAX_STDIN_BYTES:
            raise ModelError(f"stdin: more than {MAX_STDIN_BYTES:,} bytes; name the file instead")
        file.write(block)


def _is_toml(head: bytes) -> bool:
    """Whether the bytes are printable text, which no protobuf model begins with."""
    try:
        content = codecs.getincrementaldecoder("utf-8")().decode(head)  # it may end in a letter
    except UnicodeDecodeError:
        return False
    return "=" in content and all(c.isprintable() or c in "\t\r\n" for c in content)


def _from_file(path: Path, source: str) -> Loaded:
    with path.open("rb") as file:
        head = file.read(32)
    for magic, what in LOOKALIKES.items():
        if head.startswith(magic):
            raise ModelError(f"{source}: {what}")
    if head[_ORT_IDENTIFIER] == b"ORTM":
        raise ModelError(
            f"{source}: is an ORT-format model: use the ONNX file that it was made from"
        )
    stamps = stamped([path])
    skimmed = skim(path, source)
    try:
        proto = onnx.ModelProto.FromString(skimmed.data)
    except DecodeError as error:
        deep = "MaxDepth" in str(error)
        why = "its graphs nest too deep for protobuf" if deep else "truncated, or not an ONNX model"
        raise ModelError(f"{source}: {why}") from error
    if not proto.HasField("graph") or not proto.opset_import:
        raise ModelError(f"{source}: not an ONNX model (no graph, or no opset_import)")
    for version in (proto.ir_version, *(opset.version for opset in proto.opset_import)):
        if not 0 <= version < 2**31:
            raise ModelError(f"{source}: {version} is no version; export the model again")
    outside = check_tensors(proto, path, source)
    beside = frozenset(map(location, outside)) - {path.name}
    stamps |= stamped(path.parent / name for name in beside)
    fetch(outside, path.parent)
    return Loaded(path.stem, source, proto, path, skimmed.whole, beside, stamps)


def _check_regular(path: Path) -> None:
    """Refuse what is not a plain file with content: a folder, a pipe or a device may never end."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise ModelError(f"{path}: {reason}{_nearest(str(path))}") from error
    if stat.S_ISDIR(status.st_mode):
        raise ModelError(f"{path}: is a directory; name an ONNX file in it")
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{path}: is not a regular file; use '-' to read a model from stdin")
    if status.st_size == 0:
        raise ModelError(f"{path}: is empty")
    try:
        path.open("rb").close()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error


def _nearest(name: str) -> str:
    import difflib  # noqa: PLC0415  (names that are right need it not)

    names = [network.name for network in spec.networks()]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean the shipped network {close[0]}?" if close else ""
    return hint or "; 'sepcost networks' lists the networks that ship with sepcost"
