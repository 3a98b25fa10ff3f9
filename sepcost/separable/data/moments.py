"""Means and covariances of a convolution's input patches and target outputs.

A patch x is the input of one output position, M/G·K values in each of G groups; the target t is
the wanted output there, N/G values. The least-squares error of any linear replacement follows from

    mean x,  mean t,  S = Cov(x, x),  C = Cov(t, x),  Cov(t, t)

so activations are read once and dropped. Memory is a buffer of rows and S, twice S while the
buffer is folded in; it does not grow with the data. Rows are multiplied in their own type, after
subtracting the first buffer's mean, and summed in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.cost.results import Convolution
from sepcost.errors import ConversionError
from sepcost.model.tensors import Array
from sepcost.network import Shape

Integers = NDArray[np.int64]

_BUFFER = 1 << 22  # elements of patches per buffer: 16 MiB of float32


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Moments over ``samples`` output positions, for each of G groups; features are (M/G, K)."""

    samples: int
    patch_mean: Array  # [G, M/G·K]
    target_mean: Array  # [G, N/G]
    covariance: Array  # [G, M/G·K, M/G·K]
    cross: Array  # [G, N/G, M/G·K]
    target_covariance: Array  # [G, N/G, N/G]


def sample_positions(positions: int, count: int, image: int, seed: int = 0) -> Integers:
    """Draw some of an image's output positions, ascending.

    Parameters
    ----------
    positions
        The number of output positions.
    count
        How many to draw; all are returned if there are no more.
    image
        The image's number in the calibration data: the draw depends only on it and the seed, not
        on the batch size.
    seed
        Any non-negative integer.
    """
    if count >= positions:
        return np.arange(positions)
    draw = np.random.default_rng((seed, image))
    return np.sort(draw.choice(positions, count, replace=False))


def patches(
    image: NDArray[Any], positions: Integers, extent: Shape, convolution: Convolution
) -> NDArray[Any]:
    """The patches that output positions read of one image; padding reads as zeros.

    At kernel element k, output o of a convolution reads input i = o·stride - pad + k·dilation, and
    of a transposed one i = (o + pad - k·dilation) / stride if that is an integer.

    Parameters
    ----------
    image
        [M, *input extent].
    positions
        [q], flat positions in the output.
    extent
        The output's spatial shape.
    convolution
        The convolution's geometry, 1-D, 2-D or 3-D. One without spatial axes reads each position
        alone, whatever the extent.

    Returns
    -------
    ndarray
        [q, M, K] in the image's type.
    """
    if not convolution.kernel:
        return image.reshape(image.shape[0], -1)[:, positions].T[..., None]
    sizes = image.shape[1:]
    flat = np.zeros((len(positions), 1), np.int64)
    inside = np.ones((len(positions), 1), np.bool_)
    for axis, places in enumerate(np.unravel_index(positions, extent)):
        index, valid = _reads(places, axis, sizes[axis], convolution)
        flat = (flat[:, :, None] * sizes[axis] + index[:, None]).reshape(len(flat), -1)
        inside = (inside[:, :, None] & valid[:, None]).reshape(len(flat), -1)
    read = image.reshape(image.shape[0], -1)[:, np.where(inside, flat, 0)]
    return np.where(inside[:, None], read.transpose(1, 0, 2), image.dtype.type(0))


def _reads(
    places: Integers, axis: int, size: int, convolution: Convolution
) -> tuple[Integers, NDArray[np.bool_]]:
    """Input index [q, k] along one axis, and whether it lies inside the image."""
    stride, pad = convolution.strides[axis], convolution.pads[axis]
    taps = np.arange(convolution.kernel[axis]) * convolution.dilations[axis]
    if not convolution.transposed:
        index = places[:, None] * stride - pad + taps
        return index, (index >= 0) & (index < size)
    index, rest = np.divmod(places[:, None] + pad - taps, stride)
    return index, (rest == 0) & (index >= 0) & (index < size)


class PatchStream:
    """Gathers one layer's moments from batches of its activations.

    Parameters
    ----------
    convolution
        The layer's geometry (``sepcost.cost.geometry.convolution``).
    positions
        Output positions sampled per image.
    seed
        Seed of the sampling.
    """

    def __init__(self, convolution: Convolution, *, positions: int = 16, seed: int = 0) -> None:
        self._convolution, self._positions, self._seed = convolution, positions, seed
        group = convolution.group
        self._features = convolution.in_channels // group * prod(convolution.kernel)
        self._outputs = convolution.out_channels // group
        self._capacity = max(64, _BUFFER // (group * self._features))
        self._rows: list[NDArray[Any]] = []  # joined [rows, G, features + outputs]
        self._held = self._samples = self._images = 0
        self._origin: NDArray[Any] | None = None
        self._sum = np.zeros((group, self._features + self._outputs))
        self._products = np.zeros((group, self._features + self._outputs, self._features))
        self._squares = np.zeros((group, self._outputs, self._outputs))

    def add(self, inputs: NDArray[Any], targets: NDArray[Any]) -> None:
        """Add a batch.

        Parameters
        ----------
        inputs
            [images, M, *extent], the layer's input.
        targets
            [images, N, *output extent], its wanted output. It may come from another network than
            the inputs, so that a fit compensates the errors in the inputs.
        """
        extent = targets.shape[2:]
        for image, target in zip(inputs, targets, strict=True):
            chosen = sample_positions(prod(extent), self._positions, self._images, self._seed)
            for part in np.array_split(chosen, -(-len(chosen) // self._capacity)):
                self._hold(image, target.reshape(len(target), -1)[:, part], part, extent)
            self._images += 1

    def finish(self) -> Moments:
        """The moments of everything added. Call it once: it reuses the stream's memory.

        Raises
        ------
        ConversionError
            Nothing was added, or activations contain NaN or infinity.
        """
        self._fold()
        if self._origin is None:
            raise ConversionError("no calibration activations to fit to")
        if not np.isfinite(self._products).all():
            raise ConversionError("the calibration activations contain NaN or infinity")
        offset, cut = self._sum / self._samples, self._features
        products = self._products
        products /= self._samples
        products -= offset[:, :, None] * offset[:, None, :cut]
        means = offset + self._origin
        squares = self._squares / self._samples
        squares -= offset[:, cut:, None] * offset[:, None, cut:]
        return Moments(
            samples=self._samples,
            patch_mean=means[:, :cut],
            target_mean=means[:, cut:],
            covariance=products[:, :cut],
            cross=products[:, cut:],
            target_covariance=squares,
        )

    def _hold(
        self, image: NDArray[Any], target: NDArray[Any], part: Integers, extent: Shape
    ) -> None:
        """Buffer one image's rows; fold the buffer in when it is full."""
        group = self._convolution.group
        read = patches(image, part, extent, self._convolution)
        both = (read.reshape(len(part), group, -1), target.T.reshape(len(part), group, -1))
        rows = np.concatenate(both, axis=2)
        self._rows.append(rows.astype(np.float32) if rows.dtype.itemsize < 4 else rows)
        self._held += len(part)
        if self._held >= self._capacity:
            self._fold()

    def _fold(self) -> None:
        """Add the buffer's sums and products, about the first buffer's mean."""
        if not self._rows:
            return
        with np.errstate(invalid="ignore", over="ignore"):  # ``finish`` refuses the result
            rows = np.concatenate(self._rows).transpose(1, 0, 2)
            self._rows, self._held = [], 0
            if self._origin is None:
                self._origin = rows.mean(1).astype(rows.dtype)
            rows = rows - self._origin[:, None]
            patch, target = rows[:, :, : self._features], rows[:, :, self._features :]
            self._samples += rows.shape[1]
            self._sum += rows.sum(1, dtype=np.float64)
            answers = target.swapaxes(1, 2)
            self._squares += answers.astype(np.float64) @ target
            self._products[:, : self._features] += patch.swapaxes(1, 2) @ patch
            self._products[:, self._features :] += answers @ patch
