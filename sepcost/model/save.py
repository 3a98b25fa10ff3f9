"""Model -> file: written beside its place, checked, and only then put there.

Weights are copied from where they lie, so memory holds the new ones alone. The input is never
touched; whatever goes wrong, the place holds what it held before.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import onnx
from google.protobuf.message import DecodeError

from sepcost.atomic_file import Draft, create, publish, remove, sync
from sepcost.errors import ConversionError, ModelError
from sepcost.model.checker import locations, problem, skimmed
from sepcost.model.graphs import graphs
from sepcost.model.load import Loaded
from sepcost.model.restore_weights import DataFile, Piece, size, unskim, write
from sepcost.model.stamp import check_unchanged
from sepcost.model.tensors import folder, whole

if sys.platform != "win32":
    import fcntl

#: What protobuf can hold in one file, with room for what is not weights.
MAX_FILE_BYTES = 2**31 - 2**20

#: How the names of data files end: the second where the first still serves a model.
DATA = (".data", ".2.data")


def save(model: Loaded, target: str | Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write a model to ``target``, whole and checked, or not at all.

    Weights stay within the file, or go to ``<target>.data`` beside it where the model kept them
    apart or is too large for one file (``<target>.2.data`` where it replaces one that reads the
    first, which goes then).

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
    check_unchanged(model.stamps)
    model = whole(model)
    place = Path(os.path.realpath(target))
    _refuse_folder(place)
    within = _within(model)
    with contextlib.nullcontext() if within is not None else _alone(place.parent):
        contents = _apart(model, place) if within is None else {place: within}
        replaced = _replaced(place, contents)
        for path in (*contents, *replaced):
            _refuse(model, path, force)
        try:
            _write(model, place, contents, replaced)
        except OSError as error:
            reason = error.strerror or error
            raise ConversionError(f"{place}: {reason}; nothing was written") from error
    return tuple(reversed(contents))


def _write(
    model: Loaded, place: Path, contents: Mapping[Path, list[Piece]], replaced: Sequence[Path]
) -> None:
    """Write all files beside their places, and publish them once they are checked."""
    with _orderly_exit(), contextlib.ExitStack() as stack:
        drafts = [stack.enter_context(create(path)) for path in contents]
        for draft, parts in zip(drafts, contents.values(), strict=True):
            write(parts, draft.file)
            sync(draft)
        _check(model, drafts[-1].name, place)
        check_unchanged(model.stamps)
        _publish(drafts, replaced)


def _within(model: Loaded) -> list[Piece] | None:
    """Lay out one file that holds the weights too, unless they were apart or are too large."""
    if _keeps_apart(model):
        return None
    parts = unskim(model.proto, folder(model))
    return parts if size(parts) <= MAX_FILE_BYTES else None


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold a folder: of two that put data and then a model there, one would remove the other's."""
    with contextlib.ExitStack() as stack:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # some file systems lock no folders
                handle = os.open(place, os.O_RDONLY)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _apart(model: Loaded, place: Path) -> dict[Path, list[Piece]]:
    """Lay out the files to write; the model comes last, when what it refers to is there."""
    home = folder(model)
    if place.name.encode(errors="ignore") != os.fsencode(place.name):
        raise ConversionError(f"{place}: models name data files in UTF-8, which this is not")
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    data = DataFile(_data_name(place), home)
    for graph in graphs(proto):
        for tensor in getattr(graph, "initializer", ()):
            data.take(tensor)
    parts = unskim(proto, home, data.name)
    if size(parts) > MAX_FILE_BYTES:
        raise ConversionError(f"{place}: its constants are too large for one ONNX file")
    return {place.with_name(data.name): data.parts, place: parts} if data.parts else {place: parts}


def _data_name(place: Path) -> str:
    """A name that is free, or else one whose file the model at the place does not read.

    So the old model keeps its weights until the new one takes its place, in one step.
    """
    names = [f"{place.name}{end}" for end in DATA]
    if not place.exists():
        return names[0]
    free = [name for name in names if not os.path.lexists(place.with_name(name))]
    if free:
        return free[0]
    read: set[str] = set()
    with contextlib.suppress(OSError, ModelError, DecodeError):
        read = set(locations(skimmed(place, str(place))))
    return next((name for name in names if name not in read), names[0])


def _replaced(place: Path, contents: Mapping[Path, object]) -> list[Path]:
    """The data files of the model that stands at the place."""
    if len(contents) < 2 or not place.exists():
        return []
    names = (place.with_name(f"{place.name}{end}") for end in DATA)
    return [path for path in names if path not in contents and path.exists()]


def _keeps_apart(model: Loaded) -> bool:
    """Whether the model's weights lie in files of their own."""
    return any(source != model.path for source in _sources(model))


def _sources(model: Loaded) -> set[Path]:
    """Every file that the model is read from, or was before some of its weights were replaced."""
    found = {folder(model) / location for location in locations(model.proto)} | set(model.stamps)
    return found | {model.path} if model.path else found


def _refuse_folder(place: Path) -> None:
    if place.is_dir():
        raise ConversionError(f"{place}: is a directory; name a file in it")
    if not place.parent.is_dir():
        raise ConversionError(f"{place.parent}: no such directory; make it first")
    if os.path.lexists(place) and not place.is_file():
        raise ConversionError(f"{place}: is no regular file, to be replaced; name another")


def _refuse(model: Loaded, path: Path, force: bool) -> None:
    """Refuse to replace a file that the model is read from, and any other without ``force``."""
    if not path.exists():
        return
    for source in _sources(model):
        if source.exists() and source.samefile(path):
            raise ConversionError(f"{path}: is the input, which is never touched; name another")
    if not force:
        raise ConversionError(f"{path}: exists; give --force to replace it, or name another")


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


def _publish(drafts: Sequence[Draft], replaced: Sequence[Path]) -> None:
    """Put the data in their place and then the model, whose arrival decides what goes."""
    *others, model = drafts
    try:
        for draft in drafts:
            publish(draft)
    finally:
        arrived = not model.name.exists()
        remove(replaced if arrived else [d.path for d in others if not d.name.exists()])


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
