"""From one kernel to two, by what the convolution sees.

Minimises, over factors W' of a form and rank (see ``blocks``),

    E‖R·(t - W'·x - b')‖² + a·‖R·(W' - W)‖²

with t the targets, x the patches, both as moments (see ``statistics``), a a share ``ridge`` of
the mean variance of a patch's values: few samples then cannot lead far from the weights, and
channels that never fire keep their own. That is least squares in S + a·1 and C + a·W.

RᵀR is the metric: what an error of the layer does further on (see ``sensitivity``). Where the
pointwise part comes last R turns targets and weights beforehand and its inverse the pointwise
part afterwards; where the outputs stay apart only the metric's diagonal can count.

A bottleneck has its optimum in closed form (reduced-rank regression). Of the others the last kind
of factor is solved for and the rest found by L-BFGS: in coordinates in which what it reads is
white, from the truncated SVD in the metric of what each kernel reads (He et al. 2019), see
``projection``; those of a depthwise-bottleneck as ``polyadic`` says. The bias follows from the
means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sepcost.separable.data.moments import Statistics
from sepcost.separable.factors.blocks import Array, Cut, Form, cut_for, fold, normalize, refold
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.factors.solvers import SOLVERS, Problem, Solution
from sepcost.separable.factors.spectrum import exact_rank, largest

MIXED = 0.05  # of the mean of a metric, everywhere on its diagonal


@dataclass(frozen=True, slots=True, eq=False)
class FitOptions:
    """How factors are fitted."""

    ridge: float = 1e-2  # pull towards the weights, as a share of the mean variance of the patch
    iterations: int = 20  # of L-BFGS, at most
    metric: ArrayLike | None = None  # [N, N], an error e of the outputs counts as e·metric·e


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
        Ridge, iterations and the metric.

    Returns
    -------
    Factors
        ``relative_error`` is the root of the error's share of the targets' variance, both in
        the metric; ``bias`` replaces the original's.

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
    cuts = [cut_for(weight.shape, form, rank, group=group) for form, rank in menu]
    full = {form: exact_rank(weight, form, group=group) for form in _scannable(menu)}
    ridged = _ridged(statistics, options.ridge)
    problems: dict[bool, Problem] = {}
    made: dict[int, Factors] = {}
    for alike in {(cut.form, cut.width): cut for cut in cuts}.values():
        apart = alike.form is Form.POINTWISE_DEPTHWISE
        if apart not in problems:
            roots = _roots(options.metric, group, len(weight), apart=apart)
            problems[apart] = _problem(weight, statistics, ridged, roots)
        solve = SOLVERS[alike.form](problems[apart], alike, options.iterations)
        for position, cut in enumerate(cuts):
            if (cut.form, cut.width) == (alike.form, alike.width):
                known = full.get(cut.form, cut.shape[1] if cut.rows <= cut.shape[1] else 0)
                rest = (statistics, known)
                made[position] = _factors(solve(cut.rank), cut, problems[apart], rest)
    return tuple(made[position] for position in range(len(cuts)))


def _scannable(menu: Sequence[tuple[Form, int]]) -> set[Form]:
    """Forms whose exact rank comes of one spectrum; a block's is told by the shape."""
    return {form for form, _ in menu} - {Form.BLOCK_POINTWISE}


def _ridged(statistics: Statistics, ridge: float) -> tuple[Array, Array]:
    """S + a·1 and a [G], the same for every form."""
    covariance = statistics.covariance.astype(np.float64)
    variance = np.einsum("gii->gi", covariance)
    mean = variance.mean(1)
    pull = np.where(mean > 0, max(ridge, 1e-9) * mean, 1.0)
    variance += pull[:, None]
    return covariance, pull


def _problem(
    weight: NDArray[Any], statistics: Statistics, ridged: tuple[Array, Array], roots: Array
) -> Problem:
    largest(weight)  # refuses what is no number
    covariance, pull = ridged
    group, _, features = statistics.cross.shape
    kernels = roots @ weight.astype(np.float64).reshape(group, -1, features)
    cross = roots @ statistics.cross + pull[:, None, None] * kernels
    total = _variance(roots, statistics) + pull[:, None] * np.sum(kernels**2, axis=2)
    return Problem(covariance, cross, kernels, total, roots, pull)


def _roots(metric: ArrayLike | None, group: int, outputs: int, *, apart: bool) -> Array:
    """R [G, N/G, N/G] with RᵀR the metric of each group, of mean 1 on the diagonal.

    A part of the identity is mixed in: no error is free, for the metric is an estimate.
    """
    own = outputs // group
    plain = np.broadcast_to(np.eye(own), (group, own, own))
    if metric is None:
        return np.array(plain)
    whole = np.asarray(metric, np.float64).reshape(group, own, group, own)
    blocks = np.einsum("gigj->gij", whole)
    mean = float(np.einsum("gii->", blocks)) / outputs
    if not mean > 0:
        return np.array(plain)
    mixed = blocks / mean + MIXED * plain
    if apart:
        return np.asarray(np.sqrt(mixed * plain), np.float64)
    return np.asarray(np.linalg.cholesky(mixed).swapaxes(1, 2), np.float64)


def _variance(roots: Array, statistics: Statistics) -> Array:
    """[G, N/G]: of the targets, turned by the roots."""
    turned = roots @ statistics.target_covariance
    return np.asarray(np.maximum(np.einsum("gij,gij->gi", turned, roots), 0.0), np.float64)


def _factors(
    solution: Solution, cut: Cut, problem: Problem, rest: tuple[Statistics, int]
) -> Factors:
    """Fold a solution; what it leaves of the targets is the objective less the ridge's part."""
    (spatial, pointwise, objective), (statistics, full) = solution, rest
    kernels = refold(pointwise @ spatial, cut).reshape(problem.weight.shape)
    pulled = problem.pull @ np.sum((kernels - problem.weight) ** 2, axis=(1, 2))
    lost = max(objective + float(problem.total.sum()) - float(pulled), 0.0)
    back = np.linalg.inv(problem.roots)
    bias = statistics.target_mean - (back @ kernels @ statistics.patch_mean[..., None])[..., 0]
    if cut.form is Form.POINTWISE_DEPTHWISE:
        pointwise = pointwise * np.einsum("gii->gi", back)[:, :, None, None]
    else:
        pointwise = back[:, None] @ pointwise
    error = _relative(lost, statistics, problem)
    kernels, points, first = fold(*normalize(spatial, pointwise), cut)
    shape = (cut.form, cut.rank, full, cut.group)
    return Factors(*shape, kernels, points, bias.ravel(), error, first)


def _relative(lost: float, statistics: Statistics, problem: Problem) -> float:
    """Root of the error's share of the variance; of targets that never vary 0, or 1 if missed."""
    whole = float(_variance(problem.roots, statistics).sum())
    mean = (problem.roots @ statistics.target_mean[..., None])[..., 0]
    if whole > 1e-12 * float(np.sum(mean**2)):
        return float(np.sqrt(lost / whole))
    return float(lost > 1e-6 * float(problem.total.sum()))
