"""The samples that a network is tuned on: those of the fit, with images varied and mixed.

Nothing needs labels, as the original answers every image. An image is mirrored or not, shifted by
up to two pixels, a rectangle of it replaced by that of another (cut-mix, Yun et al. 2019), and made
brighter or darker, with more or less contrast. The more images differ, the less a network learns
the few that there are by heart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.separable.data.images import CHANNELS
from sepcost.separable.data.samples import Calibration, Feeds

HELD_BYTES = 1 << 28  # of samples in memory
AS_THEY_ARE = 8  # one image in this many is not changed
SMALLEST = 8  # side of what is taken for an image
LARGE = 20  # images with larger sides are shifted by two pixels, others by one
LIGHT = 0.2  # typical change of contrast, and of brightness as a share of the image's spread

Images = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Samples in memory, by input."""

    arrays: Mapping[str, NDArray[Any]]
    stacked: bool
    sides: tuple[int, int] | None  # axes of the sides of images; None: samples stay as they are

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values()), ()))

    def draw(self, chosen: Sequence[int] | NDArray[np.int64], random: np.random.Generator) -> Feeds:
        """Feeds of some samples; of the one chosen, if a run holds one."""
        picked = {name: array[np.asarray(chosen)] for name, array in self.arrays.items()}
        if self.sides is not None:
            ((name, images),) = self.arrays.items()
            picked[name] = self._varied(picked[name], images, random)
        return picked if self.stacked else {name: array[0] for name, array in picked.items()}

    def _varied(self, picked: Images, images: Images, random: np.random.Generator) -> Images:
        assert self.sides is not None
        made = np.moveaxis(np.empty_like(picked), self.sides, (-2, -1))
        picked, images = (np.moveaxis(one, self.sides, (-2, -1)) for one in (picked, images))
        for place, image in enumerate(picked):
            if not random.integers(AS_THEY_ARE):
                made[place] = image
                continue
            made[place] = _moved(image, random)
            other = _moved(images[random.integers(len(images))], random)
            rows, columns = _rectangle(image.shape[-2:], random)
            made[place][..., rows, columns] = other[..., rows, columns]
            contrast, brightness = 1 + LIGHT * random.standard_normal(2)
            made[place] *= contrast
            made[place] += (brightness - 1) * made[place].std()
        return np.ascontiguousarray(np.moveaxis(made, (-2, -1), self.sides))


def pool(data: Calibration) -> Pool:
    """Read samples, evenly spread over the data, as many as memory should hold."""
    count = max(1, min(len(data), HELD_BYTES // max(1, data.sample_bytes)))
    places = data.places[np.linspace(0, len(data) - 1, count).round().astype(np.int64)]
    arrays = {name: read(places) for name, read in data.samples.items()}
    return Pool(arrays, data.stacked, _sides(arrays))


def _sides(arrays: Mapping[str, NDArray[Any]]) -> tuple[int, int] | None:
    """The axes of rows and columns, if the only input is of images."""
    if len(arrays) != 1:
        return None
    (array,) = arrays.values()
    axes = array.ndim - 3, array.ndim - 2, array.ndim - 1
    if array.ndim not in {4, 5} or array.dtype.kind != "f":
        return None
    sizes = [array.shape[axis] for axis in axes]
    if sizes[0] in CHANNELS and min(sizes[1:]) >= SMALLEST:
        return axes[1], axes[2]
    if sizes[2] in CHANNELS and min(sizes[:2]) >= SMALLEST:
        return axes[0], axes[1]
    return None


def _moved(image: Images, random: np.random.Generator) -> Images:
    """[..., H, W], mirrored or not and shifted by a few pixels, its edges mirrored."""
    if random.integers(2):
        image = image[..., ::-1]
    most = 2 if min(image.shape[-2:]) > LARGE else 1
    down, right = random.integers(-most, most + 1, 2)
    rows, columns = (
        _mirrored(size, int(by)) for size, by in zip(image.shape[-2:], (down, right), strict=True)
    )
    return np.asarray(image[..., rows[:, None], columns])


def _mirrored(size: int, by: int) -> NDArray[np.int64]:
    places = np.abs(np.arange(size) + by)
    return np.where(places >= size, 2 * (size - 1) - places, places)


def _rectangle(sides: Sequence[int], random: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns of a part of an image, of any share of its area."""
    share = float(np.sqrt(random.random()))
    lengths = [int(size * share) for size in sides]
    starts = [
        int(random.integers(size - length + 1)) for size, length in zip(sides, lengths, strict=True)
    ]
    down, right = (
        slice(start, start + length) for start, length in zip(starts, lengths, strict=True)
    )
    return down, right
