"""Calibration data: opened, checked against the model, served in batches.

An ``.npz`` holds one array per input, and ``labels`` and ``groups`` if known; a folder holds one
``.npy`` or one image per sample, in one subfolder per class if labels are known, and there in one
per group. An array is ``[count, ...]``, where ``...`` is the shape of one row of the input's batch
or of the whole input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray
from onnx import ValueInfoProto

from sepcost.errors import ConversionError, SepcostError, first_line
from sepcost.model.dtypes import DTYPES, called, numpy_dtype
from sepcost.model.load import Loaded
from sepcost.model.values import text
from sepcost.network import Shape
from sepcost.separable.data import images as image_files
from sepcost.separable.data.archives import Member, members
from sepcost.separable.data.groups import GROUPS, named, of_folders
from sepcost.separable.data.images import ImageFormat
from sepcost.separable.data.samples import BATCH, Calibration, Input, Samples, whole

LABELS = "labels"

T = TypeVar("T")


def declared(loaded: Loaded) -> tuple[Input, ...]:
    """The inputs with the types and sizes that the model fixes."""
    graph = loaded.proto.graph
    stored = {tensor.name for tensor in graph.initializer}
    return tuple(
        Input(text(value.name), DTYPES.get(value.type.tensor_type.elem_type, ""), _sizes(value))
        for value in graph.input
        if value.name not in stored
    )


def _sizes(value: ValueInfoProto) -> tuple[int | None, ...]:
    dims = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in dims)


def open_data(path: Path, inputs: Sequence[Input], images: ImageFormat) -> Calibration:
    """Open calibration data; check every name, shape and type before anything runs.

    Parameters
    ----------
    path
        An ``.npz``, or a folder of ``.npy`` files or images.
    inputs
        The model's inputs.
    images
        How images become tensors.

    Raises
    ------
    ConversionError
        If the data does not fit; the message names the file, the tensor and what was expected.
    """
    if path.is_dir():
        return _folder(path, inputs, images)
    if images != ImageFormat():
        raise ConversionError(
            f"{images.options}: only for images, not for {path}; give a folder of images"
        )
    return _archive(path, inputs)


def _archive(path: Path, inputs: Sequence[Input]) -> Calibration:
    arrays = _guarded(path, lambda: members(path))
    names = {one.name for one in inputs}
    labels, groups = (
        None if extra in names else arrays.pop(extra, None) for extra in (LABELS, GROUPS)
    )
    if len(inputs) == 1 and len(arrays) == 1 and not names & set(arrays):
        arrays = {inputs[0].name: next(iter(arrays.values()))}  # no other meaning is possible
    _check_names(path, arrays, names)
    known = None if labels is None else _guarded(path, labels.whole)
    shapes = {name: _like(one.shape, one.dtype) for name, one in arrays.items()}
    made = _assembled(path, inputs, shapes, known)
    samples = {one.name: _read(path, one, arrays[one.name]) for one in inputs}
    count = next(iter(shapes.values())).shape[0] if shapes else 0
    grouped = None if groups is None else named(path, _guarded(path, groups.whole), count)
    return replace(made, samples=samples, groups=grouped)


def _read(path: Path, one: Input, member: Member) -> Samples:
    """Read a member row by row; every row has been checked."""
    rows = _guarded(path, lambda: member.rows(lambda part: checked_array(path, one, part)))
    dtype = numpy_dtype(one.dtype)
    return lambda places: np.ascontiguousarray(_guarded(path, lambda: rows(places)), dtype)


def _guarded(path: Path, action: Callable[[], T]) -> T:
    try:
        return action()
    except (SepcostError, MemoryError):
        raise
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile, zlib and tokenize raise many kinds
        if _is_array(path):
            raise ConversionError(f"{path}: a single array; give an .npz or a folder") from error
        why = "" if "pickle" in str(error) else f": {first_line(error)}"
        raise ConversionError(f"{path}: not an .npz archive of plain arrays{why}") from error


def _is_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX


def _like(shape: Shape, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array of this shape and type that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _check_names(path: Path, arrays: Mapping[str, object], names: set[str]) -> None:
    for name in sorted(names - set(arrays)):
        have = f"only {', '.join(map(repr, list(arrays)[:8]))}" if arrays else "no input arrays"
        raise ConversionError(f"{path}: no array for input {name!r}; the file has {have}")
    for name in sorted(set(arrays) - names):
        want = ", ".join(map(repr, sorted(names)[:8]))
        raise ConversionError(f"{path}: the model has no input {name!r}; its inputs are {want}")


def checked_array(path: Path, one: Input, array: NDArray[Any]) -> NDArray[Any]:
    """Check that an array converts to the input's type without loss and is finite; return it.

    Raises
    ------
    ConversionError
        If it does not convert or is not finite.
    """
    wanted = numpy_dtype(one.dtype)
    integral = wanted.kind in "iu" and array.dtype.kind in "iu"
    floating = "float" in one.dtype and array.dtype.kind in "fu"
    if not (array.dtype == wanted or integral or floating):
        raise ConversionError(
            f"{path}: {one.name!r} is {called(array.dtype)}, but the model takes {one.dtype}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        what = "NaN" if np.isnan(array).any() else "infinity"
        raise ConversionError(f"{path}: {one.name!r} contains {what}; remove those samples")
    return array


def _assembled(
    path: Path,
    inputs: Sequence[Input],
    arrays: Mapping[str, NDArray[Any]],
    labels: NDArray[Any] | None,
) -> Calibration:
    """Build the calibration, without its samples, from arrays of their shapes.

    All arrays hold rows of batches, or all hold whole inputs.
    """
    stacked = all(one.sizes for one in inputs) and all(
        _fits(arrays[one.name].shape[1:], one.sizes[1:], arrays[one.name].ndim, len(one.sizes))
        for one in inputs
    )
    if not stacked:
        for one in inputs:
            array = arrays[one.name]
            if not _fits(array.shape[1:], one.sizes, array.ndim, len(one.sizes) + 1):
                raise ConversionError(
                    f"{path}: the array for input {one.name!r} has shape {_shown(array.shape)}; "
                    f"expected {_expected(one.sizes)}"
                )
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise ConversionError(f"{path}: the inputs have different numbers of samples: {counts}")
    count = next(iter(counts.values()), 0)
    fixed = inputs[0].sizes[0] if stacked and inputs else None
    batch = fixed or (BATCH if stacked and inputs else 1)
    if count < (fixed or 1):
        raise ConversionError(f"{path}: {count} samples, but one run needs {batch}")
    item = {
        one.name: _item(arrays[one.name].shape, stacked, batch, one.sizes[0] if stacked else None)
        for one in inputs
    }
    places, known = np.arange(count), _labels(path, labels, count)
    made = Calibration({}, places, batch, stacked, bool(fixed), known, item)
    return replace(made, places=whole(places, made))


def _fits(shape: Shape, sizes: Sequence[int | None], ndim: int, wanted: int) -> bool:
    return ndim == wanted and all(b is None or a == b for a, b in zip(shape, sizes, strict=True))


def _expected(sizes: Sequence[int | None]) -> str:
    """The shapes of an array: rows of batches, or whole inputs."""
    if not sizes:
        return "SAMPLES"
    first, *rest = sizes
    whole = _shown(["SAMPLES", first or "BATCH", *rest])
    return f"{_shown(['SAMPLES', *rest])} or {whole}"


def _shown(sizes: Sequence[int | str | None]) -> str:
    return "x".join("?" if size is None else str(size) for size in sizes) or "scalar"


def _item(shape: Shape, stacked: bool, batch: int, fixed: int | None) -> Shape:
    return ((batch if fixed else 1), *shape[1:]) if stacked else shape[1:]


def _labels(path: Path, labels: NDArray[Any] | None, count: int) -> NDArray[np.int64] | None:
    if labels is None:
        return None
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise ConversionError(
            f"{path}: {LABELS!r} is {labels.dtype} of shape {list(labels.shape)}; expected one "
            f"integer for each of {count} samples"
        )
    return labels.astype(np.int64)


def _folder(path: Path, inputs: Sequence[Input], images: ImageFormat) -> Calibration:
    """Read one file per sample on demand; all must have the first one's shape."""
    if len(inputs) != 1:
        raise ConversionError(
            f"{path}: a folder serves one input, but this model has {len(inputs)}; give an .npz"
        )
    (one,) = inputs
    files = sorted(
        f for f in path.rglob("*") if f.suffix.lower() in {".npy", *image_files.SUFFIXES}
    )
    if not files:
        raise ConversionError(f"{path}: no .npy files or images in this folder")

    def sample(file: Path) -> NDArray[Any]:
        if file.suffix.lower() != ".npy":
            return image_files.read(file, one.sizes, images).astype(numpy_dtype(one.dtype))
        return checked_array(file, one, _array(file))

    first = sample(files[0])
    stacked = _fits(first.shape, one.sizes[1:], first.ndim, len(one.sizes) - 1)

    def read(places: NDArray[np.int64]) -> NDArray[Any]:
        arrays = [sample(files[int(place)]) for place in places]
        for place, array in zip(places, arrays, strict=True):
            if array.shape != first.shape:
                raise ConversionError(
                    f"{files[int(place)]}: shape {list(array.shape)}, but {files[0].name} has "
                    f"{list(first.shape)}; all samples need the same shape"
                )
        return np.stack(arrays).astype(numpy_dtype(one.dtype))

    lead = _like((len(files), *first.shape), first.dtype)
    folders = _class_folders(path, files)
    labels = None if folders is None else _numbered(path, files, folders)
    made = _assembled(path, inputs, {one.name: lead}, labels)
    count = None if folders is None else len(folders)
    groups = of_folders(path, files)
    return replace(made, samples={one.name: read}, stacked=stacked, folders=count, groups=groups)


def _array(file: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except Exception as error:
        raise ConversionError(f"{file}: not a plain .npy array: {first_line(error)}") from error


def _class_folders(path: Path, files: Sequence[Path]) -> list[str] | None:
    """The subfolders in the order of their numbers, if all are numbers, else of their names.

    An empty one counts. None if a file is in ``path`` itself.
    """
    if any(file.parent == path for file in files):
        return None
    names = [one.name for one in path.iterdir() if one.is_dir()]
    numbered = all(name.isdecimal() for name in names)
    return sorted(names, key=int) if numbered else sorted(names)


def _numbered(path: Path, files: Sequence[Path], folders: Sequence[str]) -> NDArray[np.int64]:
    """The class of each file: the place of its folder."""
    order = {name: number for number, name in enumerate(folders)}
    return np.array([order[file.relative_to(path).parts[0]] for file in files])
