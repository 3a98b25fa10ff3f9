"""Write a model to a file: as a draft, which is checked before it replaces the target.

Weights are copied from their files, so only new ones are in memory. The input is never modified,
and a failure leaves the target as it was.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import onnx
from google.protobuf.message import DecodeError

from sepcost.atomic_file import Draft, create, publish, remove, sync
from sepcost.errors import ConversionError, ModelError
from sepcost.model.checker import locations, problem, stripped
from sepcost.model.graphs import graphs
from sepcost.model.load import Loaded
from sepcost.model.restore_weights import DataFile, Piece, restore, size, write
from sepcost.model.stamp import check_unchanged
from sepcost.model.tensors import folder, whole

if sys.platform != "win32":
    import fcntl

#: The limit of protobuf messages, with room for all that is not weights.
MAX_FILE_BYTES = 2**31 - 2**20

#: Suffixes of data files: the second one if an existing model still reads the first.
DATA = (".data", ".2.data")


def save(model: Loaded, target: str | Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write a model to ``target``, complete and checked, or not at all.

    Weights go into the file itself, or into ``<target>.data`` if the model had a data file or is
    too large for one file. If the model that it replaces reads ``<target>.data``, they go into
    ``<target>.2.data``, and the old data file is removed.

    Parameters
    ----------
    model
        The model; the files with its weights must still exist.
    target
        The path of an ONNX file. Links are followed.
    force
        Whether existing files may be replaced.

    Returns
    -------
    tuple of Path
        The files written, the model first.

    Raises
    ------
    ConversionError
        If the target is the input, exists, or cannot be written, or if ONNX's checker rejects the
        result. Nothing has changed then.

    Examples
    --------
    >>> import os, tempfile, sepcost
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = sepcost.load("small-cnn", weights=True)
    ...     [os.path.basename(path) for path in sepcost.save(model, f"{folder}/m.onnx")]
    ['m.onnx']
    """
    check_unchanged(model.stamps)
    model = whole(model)
    place = Path(os.path.realpath(target))
    _check_place(place)
    within = _within(model)
    with contextlib.nullcontext() if within is not None else _locked(place.parent):
        contents = _with_data_file(model, place) if within is None else {place: within}
        replaced = _replaced(place, contents)
        for path in (*contents, *replaced):
            _check_replaceable(path, _sources(model), force)
        try:
            _write(model, place, contents, replaced)
        except OSError as error:
            reason = error.strerror or error
            raise ConversionError(f"{place}: {reason}; nothing was written") from error
    return tuple(reversed(contents))


def _write(
    model: Loaded, place: Path, contents: Mapping[Path, list[Piece]], replaced: Sequence[Path]
) -> None:
    """Write all files as drafts, check the model, and publish them."""
    with _orderly_exit(), contextlib.ExitStack() as stack:
        drafts = [stack.enter_context(create(path)) for path in contents]
        for draft, parts in zip(drafts, contents.values(), strict=True):
            write(parts, draft.file)
            sync(draft)
        _check(model, drafts[-1].name, place)
        check_unchanged(model.stamps)
        _publish(drafts, replaced)


def _within(model: Loaded) -> list[Piece] | None:
    """Return the contents of one file with the weights; None if they need a data file."""
    if _has_data_files(model):
        return None
    parts = restore(model.proto, folder(model))
    return parts if size(parts) <= MAX_FILE_BYTES else None


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Lock a folder: two processes that save with data files would remove each other's."""
    with contextlib.ExitStack() as stack:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # some file systems lock no folders
                handle = os.open(place, os.O_RDONLY)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _with_data_file(model: Loaded, place: Path) -> dict[Path, list[Piece]]:
    """Return the contents of the data file, if needed, and then of the model."""
    home = folder(model)
    if place.name.encode(errors="ignore") != os.fsencode(place.name):
        raise ConversionError(f"{place}: the name must be valid UTF-8, as the model stores it")
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    data = DataFile(_data_name(place), home)
    for graph in graphs(proto):
        for tensor in getattr(graph, "initializer", ()):
            data.take(tensor)
    parts = restore(proto, home, data.name)
    if size(parts) > MAX_FILE_BYTES:
        raise ConversionError(f"{place}: the constants are too large for one ONNX file")
    return {place.with_name(data.name): data.parts, place: parts} if data.parts else {place: parts}


def _data_name(place: Path) -> str:
    """Return an unused name, or else one whose file the model at the target does not read.

    So the old model keeps its weights until the new one replaces it, in one step.
    """
    names = [f"{place.name}{end}" for end in DATA]
    if not place.exists():
        return names[0]
    free = [name for name in names if not os.path.lexists(place.with_name(name))]
    if free:
        return free[0]
    read: set[str] = set()
    with contextlib.suppress(OSError, ModelError, DecodeError):
        read = set(locations(stripped(place, str(place))))
    return next((name for name in names if name not in read), names[0])


def _replaced(place: Path, contents: Mapping[Path, object]) -> list[Path]:
    """Return the data files of the model that is replaced."""
    if len(contents) < 2 or not place.exists():
        return []
    names = (place.with_name(f"{place.name}{end}") for end in DATA)
    return [path for path in names if path not in contents and path.exists()]


def _has_data_files(model: Loaded) -> bool:
    """Whether the model has weights in data files."""
    return any(source != model.path for source in _sources(model))


def _sources(model: Loaded) -> set[Path]:
    """Return every file that the model was loaded from."""
    files = {folder(model) / location for location in locations(model.proto)} | set(model.stamps)
    return files | {model.path} if model.path else files


def check_target(target: Path, sources: Iterable[Path], *, force: bool) -> None:
    """Check that ``save`` may write to ``target``.

    Raises
    ------
    ConversionError
        If it is one of ``sources``, exists and ``force`` is not given, or cannot be a file.
    """
    _check_place(target)
    _check_replaceable(target, sources, force)


def _check_place(place: Path) -> None:
    if place.is_dir():
        raise ConversionError(f"{place}: a folder; name a file in it")
    if not place.parent.is_dir():
        raise ConversionError(f"{place}: the folder {place.parent} does not exist; create it first")
    if os.path.lexists(place) and not place.is_file():
        raise ConversionError(f"{place}: not a regular file; name another")


def _check_replaceable(path: Path, sources: Iterable[Path], force: bool) -> None:
    """Refuse to replace a file of the input, and any other file without ``force``."""
    if not path.exists():
        return
    if any(source.exists() and source.samefile(path) for source in sources):
        raise ConversionError(
            f"{path}: is part of the source model, which is never overwritten; name another file"
        )
    if not force:
        raise ConversionError(f"{path}: already exists; add --force to overwrite it")


def _check(model: Loaded, written: Path, place: Path) -> None:
    """Check the written file, unless the input model fails ONNX's checker too."""
    try:
        reason = problem(stripped(written, str(place)))
    except ModelError as error:
        reason = str(error)
    if reason is None:
        return
    if model.path and problem(stripped(model.path, model.source)) is not None:
        return
    raise ConversionError(f"{place}: not written, as the result is not a valid model: {reason}")


def _publish(drafts: Sequence[Draft], replaced: Sequence[Path]) -> None:
    """Publish the data, then the model; remove the old data, or the new if the model fails."""
    *others, model = drafts
    try:
        for draft in drafts:
            publish(draft)
    finally:
        arrived = not model.name.exists()
        remove(replaced if arrived else [d.path for d in others if not d.name.exists()])


@contextlib.contextmanager
def _orderly_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the program instead of ending it at once."""

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
