"""What a convolution sees and should answer, as means and covariances of patches and targets.

A patch x is what one output position reads, M/G·K values for each of G groups; the target t is
what it should answer, N/G values. The least-squares error of any linear replacement follows from

    mean x,  mean t,  S = Cov(x, x),  C = Cov(t, x),  Cov(t, t)

so activations are seen once and dropped. Memory is S, twice while a buffer of rows is folded in,
and the buffer; it does not grow with the data. Rows are multiplied in the type they come in,
less the first buffer's mean, and summed in double.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.cost.analysis import Convolution
from sepcost.errors import ConversionError
from sepcost.model.tensors import Array
from sepcost.network import Shape

Integers = NDArray[np.int64]

_BUFFER = 1 << 24  # elements of patches held before they are folded in: 64 MiB of float32


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Moments over ``samples`` output positions, for each of G groups; features are (M/G, K)."""

    samples: int
    patch_mean: Array  # [G, M/G·K]
    target_mean: Array  # [G, N/G]
    covariance: Array  # [G, M/G·K, M/G·K]
    cross: Array  # [G, N/G, M/G·K]
    target_covariance: Array  # [G, N/G, N/G]


def sample_positions(positions: int, count: int, image: int, seed: int = 0) -> Integers:
    """Which of an image's output positions are looked at, ascending.

    Parameters
    ----------
    positions
        How many there are.
    count
        How many to draw; all where there are no more.
    image
        The image's number in the calibration data: the draw depends on it and the seed alone,
        not on how images were batched.
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
    """What output positions read of one image, zeros where they read padding.

    A convolution's output o reads at kernel element k the input i = o·stride - pad + k·dilation.
    A transposed one's reads i = (o + pad - k·dilation) / stride where that is whole.

    Parameters
    ----------
    image
        [M, *input extent].
    positions
        [q], flat positions in the output.
    extent
        The output's spatial shape.
    convolution
        Its geometry, 1-D, 2-D or 3-D.

    Returns
    -------
    ndarray
        [q, M, K] in the image's type.
    """
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
    """Input index [q, k] along one axis, and whether it is inside the image."""
    stride, pad = convolution.strides[axis], convolution.pads[axis]
    taps = np.arange(convolution.kernel[axis]) * convolution.dilations[axis]
    if not convolution.transposed:
        index = places[:, None] * stride - pad + taps
        return index, (index >= 0) & (index < size)
    index, rest = np.divmod(places[:, None] + pad - taps, stride)
    return index, (rest == 0) & (index >= 0) & (index < size)


class PatchStream:
    """Gathers one layer's statistics from batches of its activations.

    Parameters
    ----------
    convolution
        The layer's geometry (``sepcost.cost.geometry.convolution``).
    positions
        Output positions sampled from each image.
    seed
        Of the sampling.
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
        """Take a batch.

        Parameters
        ----------
        inputs
            [images, M, *extent], what the layer reads.
        targets
            [images, N, *output extent], what it should answer; from another network than the
            inputs where that one's errors are to be undone.
        """
        extent = targets.shape[2:]
        for image, target in zip(inputs, targets, strict=True):
            chosen = sample_positions(prod(extent), self._positions, self._images, self._seed)
            for part in np.array_split(chosen, -(-len(chosen) // self._capacity)):
                self._hold(image, target.reshape(len(target), -1)[:, part], part, extent)
            self._images += 1

    def finish(self) -> Statistics:
        """The moments of all that was added; once, as they take the stream's own memory.

        Raises
        ------
        ConversionError
            Nothing was added, or activations hold NaN or infinite values.
        """
        self._fold()
        if self._origin is None:
            raise ConversionError("there are no calibration activations to fit to")
        if not np.isfinite(self._products).all():
            raise ConversionError("the calibration activations hold NaN or infinite values")
        offset, cut = self._sum / self._samples, self._features
        moments = self._products
        moments /= self._samples
        moments -= offset[:, :, None] * offset[:, None, :cut]
        means = offset + self._origin
        squares = self._squares / self._samples
        squares -= offset[:, cut:, None] * offset[:, None, cut:]
        return Statistics(
            samples=self._samples,
            patch_mean=means[:, :cut],
            target_mean=means[:, cut:],
            covariance=moments[:, :cut],
            cross=moments[:, cut:],
            target_covariance=squares,
        )

    def _hold(
        self, image: NDArray[Any], target: NDArray[Any], part: Integers, extent: Shape
    ) -> None:
        """Put one image's rows into the buffer, and fold it in when it is full."""
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
        with np.errstate(invalid="ignore", over="ignore"):  # refused in finish
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
