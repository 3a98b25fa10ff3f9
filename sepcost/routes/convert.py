"""The routes of conversion: all of it at once, or plan and apply one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.plan.choices import Plan
    from sepcost.separable.settings import ConvertSettings


def convert(
    source: str | Path,
    target: str | Path | None = None,
    *,
    settings: ConvertSettings | None = None,
    force: bool = False,
    frontier: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> Conversion:
    """Convert regular convolutions into separable ones, and write the model where the goal is met.

    Parameters
    ----------
    source
        Whatever ``analyze`` takes.
    target
        Where the model goes; None only plans and measures.
    settings
        The goal, calibration data, forms, provider and the rest.
    force
        Whether to write over a file that is there, and a model that misses the goal.
    frontier
        Whether to carry out plans all along the curve of error against cost.
    on_progress
        Called with what goes on.

    Raises
    ------
    ModelError, SpecError, BindingError
        Where the source cannot be read, or a dynamic dimension is unbound.
    ConversionError
        Where the data, the weights or the target is at fault; nothing is written then.
    MeasurementError
        Where a model cannot be run or timed.

    Examples
    --------
    Without a target it only plans: here every eligible convolution at rank 1.

    >>> import sepcost
    >>> goal = sepcost.Goal(sepcost.Aim.RANK, 1)
    >>> found = sepcost.convert(
    ...     "small-cnn", settings=sepcost.ConvertSettings(goal, verify=False)
    ... )
    >>> len(found.plan.choices), found.before.totals.macs, found.after.totals.macs
    (3, 10585344, 1548544)
    """
    from sepcost.separable import convert as route
    from sepcost.separable.settings import ConvertSettings

    wanted = route.Wanted(Path(target) if target is not None else None, force, frontier)
    tell = on_progress or (lambda _: None)
    return route.convert(source, settings or ConvertSettings(), wanted, tell)


def plan(
    source: str | Path,
    *,
    settings: ConvertSettings | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Plan:
    """Choose what becomes of each convolution, and write nothing.

    Parameters
    ----------
    source, settings, on_progress
        As for ``convert``; the result is not verified.

    Returns
    -------
    Plan
        ``choices`` with their factors, for ``apply``; it may be changed first, by leaving choices
        out or by ``dataclasses.replace`` of their ``factors``.

    Raises
    ------
    SepcostError
        As ``convert``.

    Examples
    --------
    >>> import sepcost
    >>> goal = sepcost.Goal(sepcost.Aim.RANK, 1)
    >>> found = sepcost.plan("small-cnn", settings=sepcost.ConvertSettings(goal))
    >>> [(one.candidate.name, one.macs_before // one.macs_after) for one in found.choices]
    [('conv_1', 7), ('conv_2', 7), ('conv_3', 8)]
    """
    from dataclasses import replace

    from sepcost.separable.settings import ConvertSettings

    unverified = replace(settings or ConvertSettings(), verify=False)
    return convert(source, settings=unverified, on_progress=on_progress).plan


def apply(
    source: str | Path, planned: Plan, target: str | Path, *, force: bool = False
) -> tuple[Path, ...]:
    """Carry out a plan: put each choice's factors in its convolution's place, check, write.

    Parameters
    ----------
    source
        What the plan was made of.
    planned
        From ``plan``, or from a ``Conversion``.
    target
        Where the model goes.
    force
        Whether to write over a file that is there.

    Returns
    -------
    tuple of Path
        The files written, the model first.

    Raises
    ------
    ModelError, SpecError
        Where the source cannot be read.
    ConversionError
        Where a choice's convolution is not in the source, its factors do not fit, or the target
        cannot be written; nothing is written then.

    Examples
    --------
    >>> import sepcost, tempfile
    >>> goal = sepcost.Goal(sepcost.Aim.RANK, 1)
    >>> found = sepcost.plan("small-cnn", settings=sepcost.ConvertSettings(goal))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = sepcost.apply("small-cnn", found, f"{folder}/thin.onnx")
    ...     sepcost.analyze(written[0]).totals.macs == found.predicted.macs
    True
    """
    from sepcost.model.load import load
    from sepcost.model.save import save
    from sepcost.separable.rewrite.separate import separate

    return save(separate(load(source, weights=True), planned.choices), target, force=force)
