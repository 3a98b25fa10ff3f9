"""Model -> file: written beside its place, checked, and only then put there.

Weights are copied from where they lie, so memory holds the new ones alone. The input is never
touched; whatever goes wrong, the place holds what it held before.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import onnx

from sepcost.errors import ConversionError, ModelError
from sepcost.model.checker import locations, problem, skimmed
from sepcost.model.load import Loaded
from sepcost.model.tensors import folder, whole
from sepcost.model.tree import graphs
from sepcost.model.unskim import DataFile, Piece, size, unskim, write

#: What protobuf can hold in one file, with room for what is not weights.
MAX_FILE_BYTES = 2**31 - 2**20

#: How the names of temporary files end: one that a killed process left behind can go.
SUFFIX = ".sepcost-tmp"


def save(model: Loaded, target: str | Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write a model to ``target``, whole and checked, or not at all.

    Weights stay within the file, or go to ``<target>.data`` beside it where the model kept them
    apart or is too large for one file.

    Parameters
    ----------
    model
        The model; the files that its weights lie in must still be there.
    target
        The path of an ONNX file. Links are followed.
    force
        Whether files that are there already may be replaced.

    Returns
    -------
    tuple of Path
        The files written, the model first.

    Raises
    ------
    ConversionError
        Where the target is the input, exists, cannot be written, or what was written fails the
        checks of ONNX. Nothing has changed then.
    """
    model = whole(model)
    place = Path(os.path.realpath(target))
    _refuse_folder(place)
    contents = _contents(model, place)
    for path in contents:
        _refuse(model, path, force)
    try:
        with _orderly_exit(), _beside(contents) as temporary:
            for path, parts in contents.items():
                _write(temporary[path], parts)
            _check(model, temporary[place], place)
            _publish(temporary)
    except OSError as error:
        raise ConversionError(f"{place}: {error.strerror or error}; nothing was written") from error
    return tuple(reversed(contents))


def _contents(model: Loaded, place: Path) -> dict[Path, list[Piece]]:
    """Lay out the files to write; the model comes last, when what it refers to is there."""
    home = folder(model)
    if not _keeps_apart(model):
        parts = unskim(model.proto, home)
        if size(parts) <= MAX_FILE_BYTES:
            return {place: parts}
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    data = DataFile(f"{place.name}.data", home)
    for graph in graphs(proto):
        for tensor in getattr(graph, "initializer", ()):
            data.take(tensor)
    parts = unskim(proto, home, data.name)
    if size(parts) > MAX_FILE_BYTES:
        raise ConversionError(f"{place}: its constants are too large for one ONNX file")
    return {place.with_name(data.name): data.parts, place: parts} if data.parts else {place: parts}


def _keeps_apart(model: Loaded) -> bool:
    """Whether the model's weights lie in files of their own."""
    return any(source != model.path for source in _sources(model))


def _sources(model: Loaded) -> set[Path]:
    """Every file that the model is read from, or was before some of its weights were replaced."""
    home = folder(model)
    found = {home / location for location in locations(model.proto)}
    if model.path:
        original = skimmed(model.path, model.source)
        found |= {model.path, *(home / location for location in locations(original))}
    return found


def _refuse_folder(place: Path) -> None:
    if place.is_dir():
        raise ConversionError(f"{place}: is a directory; name a file in it")
    if not place.parent.is_dir():
        raise ConversionError(f"{place.parent}: no such directory; make it first")


def _refuse(model: Loaded, path: Path, force: bool) -> None:
    """Refuse to replace a file that the model is read from, and any other without ``force``."""
    if not path.exists():
        return
    for source in _sources(model):
        if source.exists() and source.samefile(path):
            raise ConversionError(f"{path}: is the input, which is never touched; name another")
    if not force:
        raise ConversionError(f"{path}: exists; give --force to replace it, or name another")


@contextlib.contextmanager
def _beside(paths: Mapping[Path, object]) -> Iterator[dict[Path, Path]]:
    """Give each path a temporary name in its folder; what is still there in the end goes."""
    token = secrets.token_hex(4)
    names = {p: p.with_name(f".{p.name[:100]}.{token}{SUFFIX}") for p in paths}
    try:
        yield names
    finally:
        for name in names.values():
            name.unlink(missing_ok=True)


def _write(path: Path, parts: Sequence[Piece]) -> None:
    with path.open("xb") as file:
        write(parts, file)
        file.flush()
        os.fsync(file.fileno())


def _check(model: Loaded, written: Path, place: Path) -> None:
    """Read the file back and have ONNX check it, unless the model never passed that itself."""
    try:
        found = problem(skimmed(written, str(place)))
    except ModelError as error:
        found = str(error)
    if found is None:
        return
    if model.path and problem(skimmed(model.path, model.source)) is not None:
        return
    raise ConversionError(f"{place}: the result is no valid model, and was not written: {found}")


def _publish(temporary: Mapping[Path, Path]) -> None:
    """Rename all files into place, or put back those that were there."""
    kept: dict[Path, Path] = {}
    done: list[Path] = []
    try:
        for path, name in temporary.items():
            if path.exists() and len(temporary) > 1:
                kept[path] = name.with_name(f"{name.name[: -len(SUFFIX)]}-old{SUFFIX}")
                os.replace(path, kept[path])
            os.replace(name, path)
            done.append(path)
    except BaseException:
        for path in done:
            path.unlink(missing_ok=True)
        for path, name in kept.items():
            if name.exists():
                os.replace(name, path)
        raise
    for name in kept.values():
        name.unlink(missing_ok=True)
    _sync_folder(next(iter(temporary)).parent)


def _sync_folder(path: Path) -> None:
    """Make the names last through a crash, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _orderly_exit() -> Iterator[None]:
    """While it lasts, a polite kill unwinds the program instead of ending it on the spot."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    mine = [n for n in numbers if signal.getsignal(n) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        mine = []
    for number in mine:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)
