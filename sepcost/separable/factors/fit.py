"""Factors fitted to a convolution's inputs and target outputs.

Minimises, over factors W' of a form and rank (see ``blocks``),

    E‖R·(t - W'·x - b')‖² + a·‖R·(W' - W)‖²

where t are the targets and x the patches, both given as moments (see ``moments``), and a is the
share ``ridge`` of the mean variance of a patch's values. The ridge keeps a fit to few samples near
the weights, and channels that never fire keep theirs. This is least squares in S + a·1 and C + a·W.

RᵀR is the metric: what an error of the layer does to the outputs (see ``sensitivity``). If the
pointwise part comes last, R is applied to targets and weights before the fit and its inverse to
the pointwise part after it; if the outputs stay separate, only the metric's diagonal counts.

A bottleneck has its optimum in closed form (reduced-rank regression). For the other forms the last
factor is solved for and the rest is found by L-BFGS, in coordinates where the inputs are white,
from the truncated SVD in the metric of each kernel's inputs (He et al. 2019); see ``projection``,
and ``polyadic`` for the depthwise-bottleneck. The bias follows from the means.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sepcost.separable.data.moments import Moments
from sepcost.separable.factors.blocks import Array, Cut, Form, cut_for, fold, normalize, refold
from sepcost.separable.factors.kernels import Factors
from sepcost.separable.factors.solvers import SOLVERS, Problem, Solution, Solver
from sepcost.separable.factors.spectrum import exact_rank, largest

MIXED = 0.05  # share of a metric's mean that is added to its diagonal


@dataclass(frozen=True, slots=True, eq=False)
class FitOptions:
    """Settings of a fit."""

    ridge: float = 1e-2  # pull towards the weights, as a share of the mean variance of the patch
    iterations: int = 20  # maximum iterations of L-BFGS
    early: int | None = None  # maximum for forms of one free factor, which converge early
    metric: ArrayLike | None = None  # [N, N]: an error e of the outputs counts e·metric·e
    check: Callable[[], object] = lambda: None  # called before each fit; may raise


def fit(
    weight: NDArray[Any],
    moments: Moments,
    form: Form,
    rank: int,
    options: FitOptions | None = None,
) -> Factors:
    """Fit factors of one form and rank to the layer's inputs and targets.

    Parameters
    ----------
    weight
        [N, M/G, *kernel], as in a Conv.
    moments
        Moments of the layer's patches and targets; they determine G.
    form, rank
        See ``ranks``.
    options
        Ridge, iterations and the metric.

    Returns
    -------
    Factors
        ``relative_error`` is the root of the error over the targets' variance, both in the
        metric; ``bias`` replaces the original's.

    Raises
    ------
    ConversionError
        The weight contains NaN or infinity, or the form does not have this rank.
    """
    return fit_menu(weight, moments, [(form, rank)], options)[0]


def fit_menu(
    weight: NDArray[Any],
    moments: Moments,
    menu: Sequence[tuple[Form, int]],
    options: FitOptions | None = None,
    chosen: Callable[[Sequence[float]], Collection[int]] | None = None,
) -> tuple[Factors, ...]:
    """``fit`` for several forms and ranks of one layer, in the menu's order.

    Whitening, most of the work, is done once for all ranks of a form.

    Parameters
    ----------
    weight, moments, options
        As for ``fit``.
    menu
        Forms and ranks.
    chosen
        Given the error of each where its descent starts, the places in the menu that are worth
        one; the others stay where they start. By default all.
    """
    options = options or FitOptions()
    group = len(moments.patch_mean)
    cuts = [cut_for(weight.shape, form, rank, group=group) for form, rank in menu]
    full = {form: exact_rank(weight, form, group=group) for form in _scannable(menu)}
    ridged = _ridged(moments, options.ridge)
    problems: dict[bool, Problem] = {}
    solvers: dict[tuple[Form, int], Solver] = {}

    def made(cut: Cut, iterations: int) -> Factors:
        options.check()
        apart = cut.form is Form.POINTWISE_DEPTHWISE
        if apart not in problems:
            roots = _roots(options.metric, group, len(weight), apart=apart)
            problems[apart] = _problem(weight, moments, ridged, roots)
        if (cut.form, cut.width) not in solvers:
            solvers[cut.form, cut.width] = SOLVERS[cut.form](problems[apart], cut)
        known = full.get(cut.form, cut.shape[1] if cut.rows <= cut.shape[1] else 0)
        solution = solvers[cut.form, cut.width](cut.rank, iterations)
        return _factors(solution, cut, problems[apart], (moments, known))

    if chosen is None:
        return tuple(made(cut, _iterations(options, cut.form)) for cut in cuts)
    starts = [made(cut, 0) for cut in cuts]
    for place in sorted(chosen([one.relative_error for one in starts])):
        starts[place] = made(cuts[place], _iterations(options, cuts[place].form))
    return tuple(starts)


def _iterations(options: FitOptions, form: Form) -> int:
    early = form is not Form.DEPTHWISE_BOTTLENECK and options.early is not None
    return min(options.iterations, options.early or 0) if early else options.iterations


def _scannable(menu: Sequence[tuple[Form, int]]) -> set[Form]:
    """Forms whose exact rank follows from one spectrum; a block's follows from the shape."""
    return {form for form, _ in menu} - {Form.BLOCK_POINTWISE}


def _ridged(moments: Moments, ridge: float) -> tuple[Array, Array]:
    """S + a·1 and a [G], the same for every form."""
    covariance = moments.covariance.astype(np.float64)
    variance = np.einsum("gii->gi", covariance)
    mean = variance.mean(1)
    pull = np.where(mean > 0, max(ridge, 1e-9) * mean, 1.0)
    variance += pull[:, None]
    return covariance, pull


def _problem(
    weight: NDArray[Any], moments: Moments, ridged: tuple[Array, Array], roots: Array
) -> Problem:
    largest(weight)  # refuses NaN and infinity
    covariance, pull = ridged
    group, _, features = moments.cross.shape
    kernels = roots @ weight.astype(np.float64).reshape(group, -1, features)
    cross = roots @ moments.cross + pull[:, None, None] * kernels
    total = _variance(roots, moments) + pull[:, None] * np.sum(kernels**2, axis=2)
    return Problem(covariance, cross, kernels, total, roots, np.asarray(np.linalg.inv(roots)), pull)


def _roots(metric: ArrayLike | None, group: int, outputs: int, *, apart: bool) -> Array:
    """R [G, N/G, N/G] with RᵀR the metric of each group, of mean 1 on the diagonal.

    A share of the identity is mixed in so that no error is free, as the metric is an estimate.
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


def _variance(roots: Array, moments: Moments) -> Array:
    """[G, N/G]: variance of the targets in the metric."""
    turned = roots @ moments.target_covariance
    return np.asarray(np.maximum(np.einsum("gij,gij->gi", turned, roots), 0.0), np.float64)


def _factors(solution: Solution, cut: Cut, problem: Problem, rest: tuple[Moments, int]) -> Factors:
    """Fold a solution; its error on the targets is the objective without the ridge's part."""
    (spatial, pointwise, objective), (moments, full) = solution, rest
    kernels = refold(pointwise @ spatial, cut).reshape(problem.weight.shape)
    pulled = problem.pull @ np.sum((kernels - problem.weight) ** 2, axis=(1, 2))
    lost = max(objective + float(problem.total.sum()) - float(pulled), 0.0)
    back = problem.back
    bias = moments.target_mean - (back @ kernels @ moments.patch_mean[..., None])[..., 0]
    if cut.form is Form.POINTWISE_DEPTHWISE:
        pointwise = pointwise * np.einsum("gii->gi", back)[:, :, None, None]
    else:
        pointwise = back[:, None] @ pointwise
    error = _relative(lost, moments, problem)
    kernels, points, first = fold(*normalize(spatial, pointwise), cut)
    shape = (cut.form, cut.rank, full, cut.group)
    return Factors(*shape, kernels, points, bias.ravel(), error, first)


def _relative(lost: float, moments: Moments, problem: Problem) -> float:
    """Root of error over variance; for constant targets 0 if they are met, else 1."""
    whole = float(_variance(problem.roots, moments).sum())
    mean = (problem.roots @ moments.target_mean[..., None])[..., 0]
    if whole > 1e-12 * float(np.sum(mean**2)):
        return float(np.sqrt(lost / whole))
    return float(lost > 1e-6 * float(problem.total.sum()))
