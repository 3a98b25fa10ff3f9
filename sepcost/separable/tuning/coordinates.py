"""Steps in whitened coordinates: all directions of a weight change its layer's output alike.

A weight W that sees inputs x with mean m and covariance C is V·L with L = (C + λI)^-½, where λ is
a hundredth of the mean eigenvalue. Its layer's bias takes up the mean: b' = b + W·m. Adam (Kingma
and Ba 2015) moves V and b', by steps relative to the size of each. Without this, steps that suit
the strong directions of x destroy a good start in the weak ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sepcost.cost.results import Convolution
from sepcost.model.tensors import Array
from sepcost.separable.data.moments import Moments
from sepcost.separable.find.candidates import turned

DAMPING = 1e-2
WIDEST = 2048  # features of a group; wider ones are only scaled, each by itself
DECAYS = (0.9, 0.99)  # of Adam's means of the gradient and of its square
_SMALLEST = 1e-2  # of the spread of the layer's output: the least size that steps are relative to
_NOTHING = 1e-30


@dataclass(slots=True, eq=False)
class Adam:
    """The state of one array."""

    size: float  # what steps are relative to
    mean: Array | float = 0.0
    square: Array | float = 0.0

    def move(self, gradient: Array, rate: float, step: int) -> Array:
        """The change of the array at step 1, 2, ..."""
        slow, slower = DECAYS
        self.mean = slow * self.mean + (1 - slow) * gradient
        self.square = slower * self.square + (1 - slower) * gradient**2
        spread = np.sqrt(self.square / (1 - slower**step)) + _NOTHING
        return np.asarray(-rate * self.size * (self.mean / (1 - slow**step)) / spread)


@dataclass(slots=True, eq=False)
class Coordinates:
    """The weight of one layer, and its bias if that is tuned too."""

    name: str
    bias: str | None
    layer: Convolution
    shape: tuple[int, ...]
    back: Array  # L [G, F, F], or its diagonal [G, 1, F]
    mean: Array  # m [G, 1, F]
    values: Array  # V [G, N/G, F]
    offset: Array  # b' [N]
    moving: Adam = field(init=False)
    lifting: Adam = field(init=False)
    spread: float = 1.0  # of the layer's output

    def __post_init__(self) -> None:
        """Start Adam."""
        least = _SMALLEST * self.spread
        self.moving = Adam(_rms(self.values) or _NOTHING)
        self.lifting = Adam(max(_rms(self.offset), least))

    def weights(self) -> dict[str, Array]:
        """The weight and the bias in their own shapes."""
        flat = self._mapped(self.values)
        found = {self.name: self._turned(flat)}
        if self.bias is not None:
            found[self.bias] = self.offset - (flat * self.mean).sum(2).reshape(-1)
        return found

    def step(self, gradients: Mapping[str, NDArray[np.float32]], rate: float, step: int) -> None:
        """Move against the gradients of the weight and the bias."""
        given = gradients[self.name].astype(np.float64)
        slope = (turned(given, self.layer.group) if self.layer.transposed else given).reshape(
            self.values.shape
        )
        if self.bias is not None:
            up = gradients[self.bias].astype(np.float64)
            slope = slope - up.reshape(*self.values.shape[:2], 1) * self.mean
            self.offset = self.offset + self.lifting.move(up, rate, step)
        self.values = self.values + self.moving.move(self._mapped(slope), rate, step)

    def _mapped(self, rows: Array) -> Array:
        return np.asarray(rows @ self.back if _is_square(self.back) else rows * self.back)

    def _turned(self, flat: Array) -> Array:
        """[G, N/G, F] in the layout of the weight."""
        group, kernel = self.layer.group, self.layer.kernel
        rows = flat.reshape(self.layer.out_channels, -1, *kernel)
        return turned(rows, group) if self.layer.transposed else rows.reshape(self.shape)


def coordinates(
    name: str, bias: str | None, layer: Convolution, weights: Mapping[str, Array], seen: Moments
) -> Coordinates:
    """Whiten one layer.

    Parameters
    ----------
    name, bias
        Its weight and, if that is tuned too, its bias.
    layer
        Its geometry.
    weights
        The student's.
    seen
        Moments of what the layer sees.
    """
    start = weights[name]
    rows = turned(start, layer.group) if layer.transposed else start
    rows = rows.reshape(layer.group, layer.out_channels // layer.group, -1)
    mean, spread = seen.patch_mean[:, None], seen.covariance
    if bias is None:  # nothing takes up the mean
        spread = spread + mean.swapaxes(1, 2) * mean
        mean = np.zeros_like(mean)
    forth, back = _roots(spread)
    values = rows @ forth if _is_square(forth) else rows * forth
    offset = np.zeros(layer.out_channels)
    if bias is not None:
        offset = weights[bias] + (rows * mean).sum(2).reshape(-1)
    reach = float(np.sqrt(np.einsum("gnn->", seen.target_covariance) / layer.out_channels))
    return Coordinates(name, bias, layer, start.shape, back, mean, values, offset, spread=reach)


def _roots(covariance: Array) -> tuple[Array, Array]:
    """(C + λI)^½ and its inverse, or their diagonals."""
    if covariance.shape[-1] > WIDEST:
        own = np.einsum("gff->gf", covariance)[:, None]
        root = np.sqrt(own + DAMPING * own.mean(2, keepdims=True) + _NOTHING)
        return root, 1 / root
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, 0) + DAMPING * values.mean(1, keepdims=True).clip(min=0) + _NOTHING
    root = np.sqrt(values)[:, None]
    turned_back = vectors.swapaxes(1, 2)
    return (vectors * root) @ turned_back, (vectors / root) @ turned_back


def _is_square(matrix: Array) -> bool:
    return bool(matrix.shape[1] == matrix.shape[2])


def _rms(array: Array) -> float:
    return float(np.sqrt(np.mean(array**2))) if array.size else 0.0
