"""Inputs of a model: seeded and plausible random data, or the user's arrays.

Random inputs depend on the seed and on their position, not on their names, so that two models with
the same interface get the same numbers.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sepcost.errors import BindingError, first_line
from sepcost.model.dtypes import called, numpy_dtype
from sepcost.network import Shape, Value

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[Any]]

TOKENS = 10  # random indices stay below the size of any real table

_MASK = re.compile(r"mask|valid", re.IGNORECASE)
_SEGMENT = re.compile(r"token_type|segment", re.IGNORECASE)
_POSITION = re.compile(r"position|pos_ids", re.IGNORECASE)
_FLAG = re.compile(r"^use_|^is_|_flag$|branch", re.IGNORECASE)


def random_inputs(values: Sequence[Value], seed: int) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Make one array per input.

    Parameters
    ----------
    values
        The model's inputs; every shape is static.
    seed
        Equal seed, position, type and shape give equal numbers.

    Returns
    -------
    tuple
        The arrays by name, and warnings about inputs whose meaning was guessed.

    Raises
    ------
    BindingError
        An input is not a tensor, or its shape is unknown.
    """
    arrays, warnings = {}, []
    for position, value in enumerate(values):
        if value.shape is None:
            raise BindingError(
                f"input {value.name!r} has no static shape: give --bind or --shape"
                if value.dtype
                else f"input {value.name!r} is not a tensor, so it cannot be generated; "
                "cut the model after it (onnx.utils.extract_model)"
            )
        generator = np.random.default_rng((seed, position))
        arrays[value.name] = _fill(value, value.shape, generator)
        if _is_setting(value):
            warnings.append(
                f"input {value.name!r} is a single integer and was set to 1; if it controls the "
                f"model (a sample rate, a length), set it with --inputs"
            )
    return arrays, tuple(warnings)


def _is_setting(value: Value) -> bool:
    return value.elements == 1 and "int" in value.dtype and not _MASK.search(value.name)


def _fill(value: Value, shape: Shape, random: np.random.Generator) -> Array:
    """Choose values by type, and for integers by the input's name."""
    if value.dtype == "string":
        return np.full(shape, "a", dtype=object)
    if value.dtype == "bool":
        return np.ones(shape, bool) if _steers(value) else random.random(shape) < 0.5
    dtype = numpy_dtype(value.dtype)
    if value.dtype.startswith("complex"):
        return (random.random(shape) + 1j * random.random(shape)).astype(dtype)
    if _MASK.search(value.name):
        return np.ones(shape, dtype)
    if "float" in value.dtype:
        return random.random(shape, np.float32).astype(dtype)
    return _integers(value, shape, random).astype(dtype)


def _steers(value: Value) -> bool:
    return value.elements == 1 or bool(_MASK.search(value.name) or _FLAG.search(value.name))


def _integers(value: Value, shape: Shape, random: np.random.Generator) -> Array:
    if _is_setting(value):
        return np.ones(shape, np.int64)
    if _SEGMENT.search(value.name):
        return np.zeros(shape, np.int64)
    if _POSITION.search(value.name):
        return np.broadcast_to(np.arange(shape[-1]), shape)
    if value.dtype == "uint8":  # an image
        return random.integers(0, 256, shape)
    if value.dtype == "int8":
        return random.integers(-128, 128, shape)
    narrow = {"int2": 2, "uint2": 4, "int4": 8}.get(value.dtype, TOKENS)
    return random.integers(0, 2 if _FLAG.search(value.name) else narrow, shape)


def stored_shapes(path: Path) -> dict[str, Shape]:
    """Read the shapes in an .npz from its headers, to bind dynamic dimensions to them.

    Raises
    ------
    BindingError
        The file is not an .npz archive of arrays.
    """

    def headers() -> dict[str, Shape]:
        with zipfile.ZipFile(path) as archive:
            return {n.removesuffix(".npy"): _header(archive, n) for n in archive.namelist()}

    return _read(path, headers)


def _header(archive: zipfile.ZipFile, member: str) -> Shape:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"array format {version}")
        return tuple(read(stream)[0])


def stored_inputs(path: Path, values: Sequence[Value]) -> dict[str, Array]:
    """Load a model's inputs from an .npz archive and check them against the model.

    Raises
    ------
    BindingError
        The file is not such an archive or holds pickled objects, or a name, shape or type does
        not fit.
    """

    def wanted() -> dict[str, Array]:
        with np.load(path, allow_pickle=False) as archive:
            return {value.name: archive[value.name] for value in values}

    shapes = stored_shapes(path)  # before any data: a header can claim terabytes
    _check_names(path, list(shapes), values)
    for value in values:
        _check_shape(path, value, shapes[value.name])
    arrays = _read(path, wanted)
    return {value.name: _cast(path, value, arrays[value.name]) for value in values}


def _read(path: Path, action: Callable[[], T]) -> T:
    """Turn every failure of reading a file into one line."""
    try:
        return action()
    except BindingError:
        raise
    except OSError as error:
        raise BindingError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile, zlib and tokenize raise many kinds
        raise BindingError(
            f"{path}: not an .npz archive of plain arrays: {first_line(error)}"
        ) from error


def _check_names(path: Path, stored: Sequence[str], values: Sequence[Value]) -> None:
    names = [value.name for value in values]
    for name in names:
        if name not in stored:
            have = ", ".join(repr(f) for f in stored[:8]) or "nothing"
            raise BindingError(f"{path}: no array for input {name!r}; it contains {have}")
    for name in stored:
        if name not in names:
            want = ", ".join(repr(n) for n in names[:8])
            raise BindingError(f"{path}: the model has no input {name!r}; its inputs are {want}")


def _check_shape(path: Path, value: Value, shape: Shape) -> None:
    if value.shape is not None and shape != value.shape:
        raise BindingError(
            f"{path}: input {value.name!r} has shape {_by(shape)}, but the model takes "
            f"{_by(value.shape)}; resize the array, or set the model's "
            "dynamic dimensions with --bind"
        )


def _by(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _cast(path: Path, value: Value, array: Array) -> Array:
    """Accept the input's own type, and others if every number survives the cast."""
    if value.dtype == "string":
        if array.dtype.kind not in "SU":
            raise BindingError(f"{path}: input {value.name!r} is {array.dtype}, not text")
        return array.astype(str).astype(object)
    dtype = numpy_dtype(value.dtype)
    if array.dtype == dtype:
        return array
    if array.dtype.kind in "biuf" and dtype.kind != "b":
        with np.errstate(all="ignore"):
            cast = array.astype(dtype)
        rounded = array.dtype.kind == "f" and dtype.kind in "fcV"  # ml_dtypes' are of kind V
        if rounded or np.array_equal(cast.astype(array.dtype), array):
            return cast
    raise BindingError(
        f"{path}: input {value.name!r} is {called(array.dtype)}, but the model takes {value.dtype}"
        + ("; store it as float32, which is rounded to that" if array.dtype.kind == "V" else "")
    )


def feeds(
    values: Sequence[Value], path: Path | None, seed: int
) -> tuple[Mapping[str, Array], tuple[str, ...]]:
    """Return one model's inputs, from the user's archive or random, with warnings."""
    if path is None:
        return random_inputs(values, seed)
    arrays = stored_inputs(path, values)
    return arrays, tuple(
        f"{path}: input {name!r} contains NaN or infinity, which can change the time of kernels"
        for name, array in arrays.items()
        if array.dtype.kind in "fc" and not np.isfinite(array).all()
    )
