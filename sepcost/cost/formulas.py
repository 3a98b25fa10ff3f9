"""The equations of Howard et al. 2017 (MobileNets, arXiv:1704.04861).

Symbols: kernel side D_K, side of the output map D_F, M input channels, N output channels.

* eq. 2  regular     D_K^2 * M * N * D_F^2
* eq. 3  depthwise   G[k, l, m] = sum over i, j of K[i, j, m] * F[k + i - 1, l + j - 1, m]
* eq. 4  its cost    D_K^2 * M * D_F^2
* eq. 5  separable   D_K^2 * M * D_F^2 + M * N * D_F^2
* their ratio        1 / N + 1 / D_K^2
* eq. 6  width       eq. 5 with alpha * M and alpha * N for M and N
* eq. 7  resolution  eq. 6 with rho * D_F for D_F

The functions generalise them to any number of spatial axes: D_K^2 becomes the product of the kernel
sides and D_F^2 the number of output positions, so ``positions`` covers strides, padding, dilation
and the batch. With groups, each group is a convolution of its own; with rank R, each input channel
has R depthwise kernels (R = 1 in the paper). Parameters are the same products at one position.
Costs are in MACs.
"""

from __future__ import annotations

from math import prod

from sepcost.network import Shape

Channels = tuple[int, int]  # (M, N): input and output channels, over all groups


def regular(kernel: Shape, channels: Channels, positions: int, group: int = 1) -> int:
    """Eq. 2: ``prod(kernel) * M * N * positions``; each group reads only its own M / group."""
    inputs, outputs = channels
    return prod(kernel) * inputs * outputs * positions // group


def depthwise(kernel: Shape, in_channels: int, positions: int, rank: int = 1) -> int:
    """Eq. 4: ``rank * prod(kernel) * M * positions``."""
    return rank * prod(kernel) * in_channels * positions


def pointwise(channels: Channels, positions: int, group: int = 1, rank: int = 1) -> int:
    """Return the second term of eq. 5: ``M * N * positions``, a regular convolution of kernel 1."""
    return rank * regular((1,), channels, positions, group)


def separable(
    kernel: Shape, channels: Channels, positions: int, group: int = 1, rank: int = 1
) -> int:
    """Eq. 5: the depthwise part plus the pointwise part."""
    return depthwise(kernel, channels[0], positions, rank) + pointwise(
        channels, positions, group, rank
    )


def ratio(kernel: Shape, out_channels: int, group: int = 1, rank: int = 1) -> float:
    """Separable over regular: ``R * (group / N + 1 / prod(kernel))``; R = 1 in the paper."""
    return rank * (group / out_channels + 1 / prod(kernel))


def break_even_rank(kernel: Shape, out_channels: int, group: int = 1) -> float:
    """Return the rank at which both cost the same: ``N * K / (N + K)``, N within a group."""
    return 1 / ratio(kernel, out_channels, group)


def regular_params(kernel: Shape, channels: Channels, group: int = 1) -> int:
    """``prod(kernel) * M * N / group`` weights."""
    return regular(kernel, channels, 1, group)


def separable_params(kernel: Shape, channels: Channels, group: int = 1, rank: int = 1) -> int:
    """``R * (prod(kernel) * M + M * N / group)`` weights."""
    return separable(kernel, channels, 1, group, rank)


def scaled(size: int, multiplier: float) -> int:
    """Apply the width multiplier alpha (eq. 6) or resolution multiplier rho (eq. 7) to a size.

    The paper does not specify the rounding; rounding to the nearest integer reproduces its tables.
    Halves round up, as in layer specs.

    >>> scaled(512, 0.75), scaled(14, 0.714)
    (384, 10)
    """
    return max(1, int(size * multiplier + 0.5))
