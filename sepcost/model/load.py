"""Load a model from what the user names: a file, a layer spec, a shipped network or stdin.

All input is treated as untrusted here; the result is a parsed ModelProto whose external data is
inside the folder of the model. Weights stay on disk (see ``strip_weights``).
"""

from __future__ import annotations

import codecs
import os
import stat
import sys
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
from sepcost.model.strip_weights import strip
from sepcost.model.tensor_checks import check_tensors, location

STDIN = "-"

#: The limit of protobuf messages; larger models have external data.
MAX_STDIN_BYTES = 2**31

#: Where ORT-format files have their identifier.
_ORT_IDENTIFIER = slice(4, 8)

#: First bytes of a Git LFS pointer.
LFS = b"version https://git-lfs"

#: First bytes of files that are often mistaken for ONNX models, with the remedy.
LOOKALIKES: Mapping[bytes, str] = {
    LFS: "a Git LFS pointer; fetch the content with 'git lfs pull'",
    b"PK\x03\x04": "a zip archive (a PyTorch checkpoint?); export it with torch.onnx.export",
    b"\x80": "a pickle (a PyTorch checkpoint?); export it with torch.onnx.export",
    b"\x89HDF": "an HDF5 file (a Keras model?); convert it with tf2onnx",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"<": "a web page or XML, not an ONNX model; check the download",
    b"{": "JSON, not an ONNX model",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded model.

    ``path`` is None if the model has no file of its own (a spec, a shipped network).
    ``complete`` tells whether all weights can be reached through ``proto``.
    """

    name: str
    source: str
    proto: onnx.ModelProto
    path: Path | None = None
    complete: bool = True
    data_files: frozenset[str] = frozenset()  # external data, relative to the model's folder
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)  # of all files, as read
    keeper: object = None  # keeps the temporary folder of a model from stdin


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
        Whether a layer spec is built with weights, to run it rather than only count it.

    Raises
    ------
    ModelError
        If the source does not exist, is not an ONNX model, or refers to data outside its folder;
        or if alpha or rho is given for an ONNX file.
    SpecError
        If a layer spec is malformed.

    Examples
    --------
    >>> import sepcost
    >>> model = sepcost.load("small-cnn")
    >>> model.source, model.path
    ('small-cnn', None)
    """
    name = str(source)
    build = Builder(alpha, rho, weights)
    if name == STDIN:
        return _from_stdin(build)
    path = Path(source)
    if spec.is_shipped(name) and not path.exists():
        return build(spec.find(name), name)
    _check_regular(path, name)
    if path.suffix == ".toml":
        return build(path, name)
    if alpha is not None or rho is not None:
        raise ModelError(f"{name}: --alpha and --rho apply to layer specs, not to ONNX files")
    return _from_file(path, name)


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds the layer spec, if the source is one."""

    alpha: float | None
    rho: float | None
    weights: bool

    def __call__(self, path: Path, source: str) -> Loaded:
        """Build the spec at ``path``, named ``source`` by the user."""
        shipped = source if path != Path(source) else None
        origin = "stdin" if source == STDIN else shipped
        proto = spec.build(
            path, alpha=self.alpha, rho=self.rho, weights=self.weights, origin=origin
        )
        return Loaded(proto.graph.name or path.stem, source, proto, complete=self.weights)


def _from_stdin(build: Builder) -> Loaded:
    """Copy stdin to a temporary file, so that weights stay out of memory here too."""
    import tempfile  # noqa: PLC0415 - slow

    folder = tempfile.TemporaryDirectory(prefix="sepcost-")
    path = Path(folder.name) / "stdin"
    with path.open("wb") as file:
        head = sys.stdin.buffer.read(1 << 16)
        file.write(head)
        if head and head[0]:  # no model starts with a zero byte: stop at /dev/zero
            _copy(sys.stdin.buffer, file)
    if not head:
        raise ModelError("stdin: empty")
    if _is_toml(head):
        return build(path, STDIN)
    return replace(_from_file(path, "stdin"), source=STDIN, keeper=folder)


def _copy(stream: BinaryIO, file: BinaryIO) -> None:
    """Copy a stream, which may be endless, up to a limit."""
    while block := stream.read(1 << 20):
        if file.tell() > MAX_STDIN_BYTES:
            raise ModelError(f"stdin: more than {MAX_STDIN_BYTES:,} bytes; give a path instead")
        file.write(block)


def _is_toml(head: bytes) -> bool:
    """Whether the bytes are printable text, unlike the start of any protobuf model."""
    try:
        content = codecs.getincrementaldecoder("utf-8")().decode(head)  # may end within a character
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
            f"{source}: a model in ORT format; use the ONNX file from which it was made"
        )
    stamps = stamped([path])
    stripped = strip(path, source)
    try:
        proto = onnx.ModelProto.FromString(stripped.data)
    except DecodeError as error:
        deep = "MaxDepth" in str(error)
        why = "graphs nest too deeply for protobuf" if deep else "truncated, or not an ONNX model"
        raise ModelError(f"{source}: {why}") from error
    if not proto.HasField("graph") or not proto.opset_import:
        raise ModelError(f"{source}: not an ONNX model: it has no graph or no opset_import")
    for version in (proto.ir_version, *(opset.version for opset in proto.opset_import)):
        if not 0 <= version < 2**31:
            raise ModelError(f"{source}: invalid IR or opset version {version}; export it again")
    outside = check_tensors(proto, path, source)
    data_files = frozenset(map(location, outside)) - {path.name}
    stamps |= stamped(path.parent / name for name in data_files)
    fetch(outside, path.parent)
    return Loaded(path.stem, source, proto, path, stripped.complete, data_files, stamps)


def _check_regular(path: Path, source: str) -> None:
    """Refuse anything but a non-empty regular file: a pipe or a device may be endless."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ModelError(f"{source}: {reason}{_nearest(source)}") from error
    if stat.S_ISDIR(status.st_mode):
        readable = os.access(path, os.R_OK | os.X_OK)
        what = "; name an ONNX file in it" if readable else " that cannot be read"
        raise ModelError(f"{source}: a folder{what}")
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{source}: not a regular file; to read a model from stdin, name '-'")
    if status.st_size == 0:
        raise ModelError(f"{source}: empty file")
    try:
        path.open("rb").close()
    except OSError as error:
        raise ModelError(f"{source}: {error.strerror}") from error


def _nearest(name: str) -> str:
    import difflib  # noqa: PLC0415 - only for wrong names

    if name.startswith("git:"):
        return "; only 'sepcost diff git:REV FILE' and 'check --baseline git:REV' take a revision"
    names = [network.name for network in spec.networks()]
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"; did you mean the shipped network {close[0]}?"
    path = "/" in name or name.endswith((".onnx", ".toml"))
    return "" if path else "; 'sepcost networks' lists the shipped networks"
