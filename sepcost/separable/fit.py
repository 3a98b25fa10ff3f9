"""From one kernel to two, by what the convolution sees.

Minimises, over factors W' of a form and rank (see ``blocks``),

    E‖t - W'·x - b'‖² + a·‖W' - W‖²

with t the targets, x the patches, both as moments (see ``statistics``), a a share ``ridge`` of
the mean variance of a patch's values: few samples then cannot lead far from the weights, and
channels that never fire keep their own. That is least squares in S + a·1 and C + a·W.

A bottleneck has its optimum in closed form (reduced-rank regression). Of the others one kind of
factor is solved for and the other found by L-BFGS (see ``projection``), in coordinates in which
what it reads is white, from the truncated SVD in the metric of what each kernel reads (He et al.
2019). The bias follows from the means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sepcost.separable.blocks import Form, Layout, fold, layout, normalize, refold
from sepcost.separable.kernels import Factors, exact_rank, importance, largest
from sepcost.separable.solvers import SOLVERS, Problem, Solution
from sepcost.separable.statistics import Statistics


@dataclass(frozen=True, slots=True, eq=False)
class FitOptions:
    """How factors are fitted."""

    ridge: float = 1e-2  # pull towards the weights, as a share of the mean variance of the patch
    iterations: int = 20  # of L-BFGS, at most
    scale: ArrayLike | None = None  # [N], how much an error of each output channel counts


def fit(
    weight: NDArray[Any],
    statistics: Statistics,
    form: Form,
    rank: int,
    options: FitOptions | None = None,
) -> Factors:
    """Factors of one form and rank that answer best to what the layer sees.

    Parameters
    ----------
    weight
        [N, M/G, *kernel], as a Conv holds it.
    statistics
        Of the layer's patches and targets; they also say G.
    form, rank
        What to make of it, see ``ranks``.
    options
        Ridge, iterations and the outputs' scale.

    Returns
    -------
    Factors
        ``relative_error`` is the root of the error's share of the targets' variance, with the
        outputs scaled; ``bias`` replaces the original's.

    Raises
    ------
    ConversionError
        The weight has NaN or infinite elements, or the form has no such rank.
    """
    return fit_menu(weight, statistics, [(form, rank)], options)[0]


def fit_menu(
    weight: NDArray[Any],
    statistics: Statistics,
    menu: Sequence[tuple[Form, int]],
    options: FitOptions | None = None,
) -> tuple[Factors, ...]:
    """``fit`` for several forms and ranks of one layer, in the menu's order.

    Whitening, the larger part of the work, is done once for all ranks of a form.
    """
    options = options or FitOptions()
    group = len(statistics.patch_mean)
    cuts = [layout(weight.shape, form, rank, group=group) for form, rank in menu]
    problem = _problem(weight, statistics, options)
    full = {form: exact_rank(weight, form, group=group) for form in _scannable(menu)}
    made: dict[int, Factors] = {}
    for alike in {(cut.form, cut.width): cut for cut in cuts}.values():
        solve = SOLVERS[alike.form](problem, alike, options.iterations)
        for position, cut in enumerate(cuts):
            if (cut.form, cut.width) == (alike.form, alike.width):
                known = full.get(cut.form, cut.shape[1] if cut.rows <= cut.shape[1] else 0)
                made[position] = _factors(solve(cut.rank), cut, problem, (statistics, known))
    return tuple(made[position] for position in range(len(cuts)))


def _scannable(menu: Sequence[tuple[Form, int]]) -> set[Form]:
    """Forms whose exact rank comes of one spectrum; a block's is told by the shape."""
    return {form for form, _ in menu} - {Form.BLOCK_POINTWISE}


def _problem(weight: NDArray[Any], statistics: Statistics, options: FitOptions) -> Problem:
    largest(weight)  # refuses what is no number
    group, features = statistics.patch_mean.shape
    rows = importance(options.scale, len(weight)).reshape(group, -1)
    kernels = weight.astype(np.float64).reshape(group, -1, features) * rows[..., None]
    covariance = statistics.covariance.astype(np.float64)
    variance = np.einsum("gii->gi", covariance)
    mean = variance.mean(1)
    pull = np.where(mean > 0, max(options.ridge, 1e-9) * mean, 1.0)
    variance += pull[:, None]
    cross = statistics.cross * rows[..., None] + pull[:, None, None] * kernels
    total = statistics.target_variance * rows**2 + pull[:, None] * np.sum(kernels**2, axis=2)
    return Problem(covariance, cross, kernels, total, rows, pull)


def _factors(
    solution: Solution, cut: Layout, problem: Problem, rest: tuple[Statistics, int]
) -> Factors:
    """Fold a solution; what it leaves of the targets is the objective less the ridge's part."""
    (spatial, pointwise, objective), (statistics, full) = solution, rest
    kernels = refold(pointwise @ spatial, cut).reshape(problem.weight.shape)
    pulled = problem.pull @ np.sum((kernels - problem.weight) ** 2, axis=(1, 2))
    lost = max(objective + float(problem.total.sum()) - float(pulled), 0.0)
    unscaled = kernels / problem.rows[..., None]
    bias = statistics.target_mean - (unscaled @ statistics.patch_mean[..., None])[..., 0]
    by_row = problem.rows[:, None, :, None]
    if cut.form is Form.POINTWISE_DEPTHWISE:
        by_row = problem.rows[:, :, None, None]
    parts = fold(*normalize(spatial, pointwise / by_row), cut)
    error = _relative(lost, statistics, problem)
    return Factors(cut.form, cut.rank, full, cut.group, *parts, bias.ravel(), error)


def _relative(lost: float, statistics: Statistics, problem: Problem) -> float:
    """Root of the error's share of the variance; of targets that never vary 0, or 1 if missed."""
    counts = problem.rows**2
    whole = float(np.sum(statistics.target_variance * counts))
    if whole > 1e-12 * float(np.sum(statistics.target_mean**2 * counts)):
        return float(np.sqrt(lost / whole))
    return float(lost > 1e-6 * float(problem.total.sum()))
