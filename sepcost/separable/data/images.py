"""Images as tensors, read with Pillow (``pip install 'sepcost[images]'``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.errors import ConversionError, first_line

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"})
CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """How images become tensors: scaled to 0-1, minus ``mean``, divided by ``std``."""

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size: tuple[int, int] | None = None  # height, width; default: the model's own
    layout: str = ""  # nchw or nhwc; default: inferred from the model's input

    @property
    def options(self) -> str:
        """The options that are set, for messages."""
        return ", ".join(f"--{one.name}" for one in fields(self) if getattr(self, one.name))


def read(file: Path, sizes: Sequence[int | None], wanted: ImageFormat) -> NDArray[Any]:
    """One image as float32 without a batch axis: ``(pixel / 255 - mean) / std``.

    Parameters
    ----------
    file
        Any format that Pillow opens.
    sizes
        The sizes of the model's input, [batch, C, H, W] or [batch, H, W, C].
    wanted
        Mean, standard deviation, size and layout; the model's input fills what is left out.

    Raises
    ------
    ConversionError
        Pillow is missing, the file is not an image, or the sizes do not fit.
    """
    last = wanted.layout == "nhwc" or (not wanted.layout and _channels_last(sizes))
    if len(sizes) != 4:
        raise ConversionError(f"{file}: an image needs an input of 4 axes, not {len(sizes)}")
    channels = (sizes[3] if last else sizes[1]) or 3
    if channels not in CHANNELS:
        raise ConversionError(
            f"{file}: images have 1, 3 or 4 channels, but the model takes {channels}; "
            "give .npy files"
        )
    own = sizes[1:3] if last else sizes[2:4]
    size = wanted.size or ((own[0], own[1]) if own[0] and own[1] else None)
    pixels = _pixels(file, CHANNELS[channels], size).reshape(*_extent(size), channels)
    for name, values in (("--mean", wanted.mean), ("--std", wanted.std)):
        if len(values) not in {0, 1, channels}:
            raise ConversionError(f"{name}: expected 1 or {channels} numbers, not {len(values)}")
    array = (pixels / 255 - np.array(wanted.mean or 0.0)) / np.array(wanted.std or 1.0)
    return np.asarray(array if last else array.transpose(2, 0, 1), np.float32)


def _extent(size: tuple[int, int] | None) -> tuple[int, int]:
    if size is None:
        raise ConversionError("the model does not fix the size of images; give --size HxW")
    return size


def _channels_last(sizes: Sequence[int | None]) -> bool:
    return len(sizes) == 4 and sizes[3] in CHANNELS and sizes[1] not in CHANNELS


def _pixels(file: Path, mode: str, size: tuple[int, int] | None) -> NDArray[Any]:
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ConversionError(
            f"{file}: images need Pillow: pip install 'sepcost[images]'"
        ) from error
    height, width = _extent(size)
    try:
        with Image.open(file) as image:
            shown = image.convert(mode).resize((width, height), Image.Resampling.BILINEAR)
            return np.asarray(shown, np.float64)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        reason = first_line(error)
        raise ConversionError(f"{file}: cannot be read as an image: {reason}") from error
