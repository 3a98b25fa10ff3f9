"""A convolution's weight cut into small matrices, and their factors as weights again.

All forms factorise matrices in the same way; they differ in how they cut the weight. With N
output and M input channels in G groups and K elements per kernel:

==================== ====================== ============= ============ ======================
form                 matrices               rows          columns      rank of each
==================== ====================== ============= ============ ======================
depthwise-pointwise  one per input channel  N/G           K            R
pointwise-depthwise  one per output channel M/G           K            R
block-pointwise      one per block of g     N/G           g·K          g
bottleneck           one per group          N/G           M/G·K        q
depthwise-bottleneck one per group          N/G           M/G·K        q
==================== ====================== ============= ============ ======================

Columns become the spatial part, rows the pointwise part. A depthwise-bottleneck is a bottleneck
whose kernels have rank one: one spatial kernel, scaled by one number per input channel. That is a
pointwise and then a depthwise convolution. With the pointwise part after them they form the
canonical polyadic decomposition of the kernel (Lebedev et al. 2015), which is the inverted
residual of MobileNetV2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepcost.errors import ConversionError
from sepcost.network import Shape

Array = NDArray[np.float64]

_CHUNK = 1 << 22  # elements in double precision at a time: 32 MiB


class Form(StrEnum):
    """The forms that can replace a regular convolution."""

    DEPTHWISE_POINTWISE = "depthwise-pointwise"
    POINTWISE_DEPTHWISE = "pointwise-depthwise"
    BLOCK_POINTWISE = "block-pointwise"  # a grouped convolution of small blocks, then pointwise
    DEPTHWISE_BOTTLENECK = "depthwise-bottleneck"  # pointwise to q channels, depthwise, pointwise
    BOTTLENECK = "bottleneck"  # a regular convolution to few channels, then pointwise


#: Forms whose spatial part reads all channels of a group.
WHOLE = frozenset({Form.BOTTLENECK, Form.DEPTHWISE_BOTTLENECK})


@dataclass(frozen=True, slots=True)
class Cut:
    """How a weight [N, M/G, *kernel] is cut for one form at one rank."""

    form: Form
    rank: int
    shape: Shape
    group: int = 1

    @property
    def kernel(self) -> Shape:
        """The kernel's spatial shape."""
        return self.shape[2:]

    @property
    def rows(self) -> int:
        """Output channels per group: the rows of every form but pointwise-depthwise."""
        return self.shape[0] // self.group

    @property
    def width(self) -> int:
        """Input channels per spatial kernel."""
        if self.form is Form.BLOCK_POINTWISE:
            return self.rank
        return self.shape[1] if self.form in WHOLE else 1


def ranks(shape: Shape, form: str, *, group: int = 1) -> tuple[int, ...]:
    """All ranks of a form for a weight of this shape, ascending.

    Parameters
    ----------
    shape
        [N, M/G, *kernel], as in a Conv.
    form
        The ranks of block-pointwise are widths g, the divisors of M/G.
    group
        G of the convolution.

    Returns
    -------
    tuple of int
        1 to min(rows, columns) of the matrices, or the divisors. A depthwise-bottleneck
        contains the other separable forms: with as many channels as they have depthwise
        kernels at full rank, it is certain to be exact.

    Raises
    ------
    ConversionError
        The form is unknown.
    """
    if form not in set(Form):
        raise ConversionError(f"unknown form {form!r}; choose from {', '.join(Form)}")
    outputs, inputs, elements = shape[0] // group, shape[1], prod(shape[2:])
    if form == Form.BLOCK_POINTWISE:
        return tuple(width for width in range(1, inputs + 1) if inputs % width == 0)
    limits: Mapping[str, int] = {
        Form.DEPTHWISE_POINTWISE: min(outputs, elements),
        Form.POINTWISE_DEPTHWISE: min(inputs, elements),
        Form.BOTTLENECK: min(outputs, inputs * elements),
        Form.DEPTHWISE_BOTTLENECK: min(
            outputs * min(inputs, elements), inputs * min(outputs, elements)
        ),
    }
    return tuple(range(1, limits[form] + 1))


def cut_for(shape: Shape, form: str, rank: int, *, group: int = 1) -> Cut:
    """Cut a weight for a form at a rank.

    Raises
    ------
    ConversionError
        The form does not have this rank for this shape.
    """
    legal = ranks(shape, form, group=group)
    if rank not in legal:
        listed = f"1 to {legal[-1]}" if form != Form.BLOCK_POINTWISE else f"one of {legal}"
        raise ConversionError(f"{form} of a weight {list(shape)} needs rank {listed}, not {rank}")
    return Cut(Form(form), rank, shape, group)


def unfold(weight: NDArray[Any], cut: Cut) -> NDArray[Any]:
    """[N, M/G, *kernel] as [G, matrices per group, rows, columns]; a view if possible."""
    inputs, elements = cut.shape[1], prod(cut.kernel)
    if cut.form is Form.POINTWISE_DEPTHWISE:
        return weight.reshape(cut.group, cut.rows, inputs, elements)
    blocks = weight.reshape(cut.group, cut.rows, inputs // cut.width, cut.width * elements)
    return blocks.transpose(0, 2, 1, 3)


def refold(matrices: Array, cut: Cut) -> Array:
    """Undo ``unfold``."""
    if cut.form is not Form.POINTWISE_DEPTHWISE:
        matrices = matrices.transpose(0, 2, 1, 3)
    return np.ascontiguousarray(matrices).reshape(cut.shape)


def fold(spatial: Array, pointwise: Array, cut: Cut) -> tuple[Array, Array, Array | None]:
    """Turn the factors of all matrices into weights of convolutions.

    Parameters
    ----------
    spatial
        [G, matrices, rank, columns].
    pointwise
        [G, matrices, rows, rank].
    cut
        How the weight was cut.

    Returns
    -------
    spatial, pointwise, first
        As in ``Factors``, contiguous.
    """
    ones = (1,) * len(cut.kernel)
    outputs = cut.shape[0]
    if cut.form is Form.DEPTHWISE_POINTWISE:
        branches, order = spatial.shape[2], (3, 0, 2, 1)
    elif cut.form is Form.POINTWISE_DEPTHWISE:
        branches, order = spatial.shape[2], (3, 0, 1, 2)
    else:
        points = pointwise.transpose(0, 2, 1, 3).reshape(1, outputs, -1, *ones)
        first, width = None, cut.width
        if cut.form is Form.DEPTHWISE_BOTTLENECK:
            mixes, spatial = _split(spatial.reshape(-1, width, prod(cut.kernel)))
            first, width = mixes.reshape(*mixes.shape, *ones), 1
        kernels = spatial.reshape(1, -1, width, *cut.kernel)
        return kernels, np.ascontiguousarray(points), first
    kernels = spatial.transpose(2, 0, 1, 3).reshape(branches, -1, 1, *cut.kernel)
    points = pointwise.transpose(order).reshape(branches, outputs, -1, *ones)
    return np.ascontiguousarray(kernels), np.ascontiguousarray(points), None


def _split(kernels: Array) -> tuple[Array, Array]:
    """Kernels [n, M, K] of rank one as B [n, M] and D [n, K]; D has unit norm or is zero."""
    strongest = np.argmax(np.einsum("nmk,nmk->nm", kernels, kernels), axis=1)
    taps = kernels[np.arange(len(kernels)), strongest]
    norms = np.linalg.norm(taps, axis=1, keepdims=True)
    peak = np.argmax(np.abs(taps), axis=1)[:, None]
    sign = np.sign(np.take_along_axis(taps, peak, 1))
    taps = sign * np.divide(taps, norms, out=np.zeros_like(taps), where=norms > 0)
    return (kernels @ taps[..., None])[..., 0], taps


def unfold_factors(spatial: Array, pointwise: Array, cut: Cut) -> tuple[Array, Array]:
    """Undo ``fold``."""
    group, rows, columns = cut.group, cut.rows, cut.width * prod(cut.kernel)
    branches = spatial.shape[0]
    if cut.form is Form.DEPTHWISE_POINTWISE:
        kernels = spatial.reshape(branches, group, -1, columns).transpose(1, 2, 0, 3)
        return kernels, pointwise.reshape(branches, group, rows, -1).transpose(1, 3, 2, 0)
    if cut.form is Form.POINTWISE_DEPTHWISE:
        kernels = spatial.reshape(branches, group, rows, columns).transpose(1, 2, 0, 3)
        points = pointwise.reshape(branches, group, rows, -1).transpose(1, 2, 3, 0)
        return kernels, points
    blocks = cut.shape[1] // cut.width
    kernels = spatial.reshape(group, blocks, -1, columns)
    points = pointwise.reshape(group, rows, blocks, -1).transpose(0, 2, 1, 3)
    return kernels, points


def room(cut: Cut) -> tuple[Array, Array]:
    """Zeroed factors [G, matrices, rank, columns] and [G, matrices, rows, rank]."""
    group, blocks, rows, columns = unfold(np.broadcast_to(np.float64(0), cut.shape), cut).shape
    return np.zeros((group, blocks, cut.rank, columns)), np.zeros((group, blocks, rows, cut.rank))


def chunks(
    weight: NDArray[Any], cut: Cut, peak: float
) -> Iterator[tuple[tuple[slice, slice], Array]]:
    """Yield matrices over the peak in double precision, a few at a time, with their place."""
    view = unfold(np.ascontiguousarray(weight), cut)
    group, blocks, rows, columns = view.shape
    most = max(1, _CHUNK // (rows * columns))
    few, step = min(most, blocks), max(1, most // blocks)
    for first in range(0, group, step):
        for start in range(0, blocks, few):
            where = (slice(first, first + step), slice(start, start + few))
            yield where, np.ascontiguousarray(view[where], np.float64) / (peak or 1.0)


def tails(spectrum: Array) -> Array:
    """Sums without the first 0, 1, 2, ... values: what each rank leaves out."""
    return np.append(np.cumsum(spectrum[::-1])[::-1], 0.0)


def unit(rows: Array) -> Array:
    """Vectors along the last axis at unit norm; zeros stay zeros."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-300), np.float64)


def normalize(spatial: Array, pointwise: Array) -> tuple[Array, Array]:
    """Scale spatial kernels to unit norm and positive peak; the pointwise part compensates.

    Unit kernels avoid overflow in half precision, and the sign makes the result independent of
    the linear algebra library. A component below 1e-14 of its matrix is rounding error: it is set
    to zero, so that a dead channel stays dead.
    """
    sides = np.linalg.norm(spatial, axis=-1)
    points = np.linalg.norm(pointwise, axis=-2)
    strength = sides * points
    whole = np.sqrt(np.sum(strength**2, axis=-1, keepdims=True))
    alive = strength > 1e-14 * whole
    peak = np.argmax(np.abs(spatial), axis=-1)[..., None]
    sign = np.sign(np.take_along_axis(spatial, peak, -1)[..., 0])
    factor = np.where(alive, sign * sides, 0.0)
    inverse = np.divide(1.0, factor, out=np.zeros_like(factor), where=alive)
    return spatial * inverse[..., None], pointwise * factor[..., None, :]
