"""Limited-memory BFGS over many independent problems together.

Two-loop recursion (Nocedal 1980) with a backtracking line search under Armijo's condition. Each
problem has its own step and history, but all are evaluated together, so that an objective can
pass the whole batch to BLAS.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sepcost.separable.factors.blocks import Array

#: x [problems, variables] -> values [problems], gradients [problems, variables]
Objective = Callable[[Array], tuple[Array, Array]]
Pair = tuple[Array, Array, Array]  # step s, change of gradient y, 1 / s·y
#: x [problems, ...] -> values [problems], gradients [problems, ...], the factor solved for
Evaluate = Callable[[Array], tuple[Array, Array, Array]]

_MEMORY = 10
_TRIES = 8


def descend(evaluate: Evaluate, start: Array, size: Array, iterations: int) -> Array:
    """``minimize`` over the first axis, in units of ``size`` [problems]."""

    def objective(flat: Array) -> tuple[Array, Array]:
        value, gradient, _ = evaluate(flat.reshape(start.shape))
        return value / size, gradient.reshape(flat.shape) / size[:, None]

    flat = np.ascontiguousarray(start).reshape(len(start), -1)
    return minimize(objective, flat, iterations=iterations).reshape(start.shape)


def minimize(
    objective: Objective, start: Array, *, iterations: int, tolerance: float = 1e-6
) -> Array:
    """Descend; no problem ends above its start.

    Parameters
    ----------
    objective
        Smooth, bounded below, of order one: ``tolerance`` is absolute.
    start
        [problems, variables].
    iterations
        Maximum number of steps.
    tolerance
        Stop when a step gains less than this in every problem.

    Returns
    -------
    ndarray
        [problems, variables].
    """
    point, pairs = start, list[Pair]()
    value, slope = objective(point)
    for _ in range(iterations):
        direction = _direction(slope, pairs)
        if not pairs:
            direction *= _first_step(point, slope)
        uphill = _dot(slope, direction) >= 0
        direction[uphill] = -slope[uphill]
        reached, lower, steeper = _search(objective, (point, value, slope), direction)
        step, turn = reached - point, steeper - slope
        pairs = [*pairs[1 - _MEMORY :], (step, turn, _inverse(_dot(step, turn)))]
        gain = value - lower
        point, value, slope = reached, lower, steeper
        if np.max(gain) < tolerance:
            break
    return point


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("pv,pv->p", a, b), np.float64)


def _inverse(curvature: Array) -> Array:
    """1 / s·y, or 0 if the curvature is not positive, so that the pair has no effect."""
    return np.divide(1.0, curvature, out=np.zeros_like(curvature), where=curvature > 1e-300)


def _first_step(point: Array, slope: Array) -> Array:
    """A tenth of the variables' norm, as nothing is known about the curvature yet."""
    size, steep = np.sqrt(_dot(point, point)), np.sqrt(_dot(slope, slope))
    return np.asarray(0.1 * size / np.maximum(steep, 1e-300), np.float64)[:, None]


def _direction(slope: Array, pairs: list[Pair]) -> Array:
    """-H·g, where the pairs approximate the inverse Hessian H."""
    direction, weights = -slope, []
    for step, turn, inverse in reversed(pairs):
        weight = inverse * _dot(step, direction)
        weights.append(weight)
        direction = direction - weight[:, None] * turn
    if pairs:
        step, turn, inverse = pairs[-1]
        trust = inverse > 0
        size = np.divide(_dot(step, turn), _dot(turn, turn), out=np.ones_like(inverse), where=trust)
        direction = direction * size[:, None]
    for (step, turn, inverse), weight in zip(pairs, reversed(weights), strict=True):
        direction = direction + (weight - inverse * _dot(turn, direction))[:, None] * step
    return direction


def _search(
    objective: Objective, here: tuple[Array, Array, Array], direction: Array
) -> tuple[Array, Array, Array]:
    """Shorten each problem's step until it gains enough; if it never does, the problem stays."""
    point, value, slope = here
    descent = _dot(slope, direction)
    length = np.ones_like(value)
    for attempt in range(_TRIES):
        reached = point + length[:, None] * direction
        lower, steeper = objective(reached)
        enough = lower <= value + 1e-4 * length * descent
        if enough.all():
            return reached, lower, steeper
        length = np.where(enough, length, 0.0 if attempt == _TRIES - 1 else 0.4 * length)
    stay = ~enough
    reached[stay], lower[stay], steeper[stay] = point[stay], value[stay], slope[stay]
    return reached, lower, steeper
