"""The routes of conversion: in one step, or plan and apply in two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.plan.choices import Plan
    from sepcost.separable.settings import ConvertSettings
    from sepcost.separable.watch import Stage


def convert(
    source: str | Path,
    target: str | Path | None = None,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    observe: bool = False,
    settings: ConvertSettings | None = None,
    force: bool = False,
    copy_unchanged: bool = False,
    frontier: bool = False,
    on_progress: Callable[[Stage], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Conversion:
    """Replace regular convolutions with separable ones, and write the model if the goal is met.

    Parameters
    ----------
    source, bind, shape, trips, observe
        As for ``analyze``.
    target
        File for the model; None only plans and measures.
    settings
        Goal, calibration data, forms, runtime and the rest.
    force
        Overwrite an existing file, and write the model even if the goal is not met.
    copy_unchanged
        Write the original if nothing is worth converting.
    frontier
        Also convert and measure along the whole curve of error against cost.
    on_progress
        Called with the current step; ``str`` of it is a line.
    should_stop
        Asked often: True ends the search, and the best plan found so far is verified and written.

    Raises
    ------
    ModelError, SpecError, BindingError
        If the source cannot be read, or a dynamic dimension is unbound.
    ConversionError
        If the settings, the data, the weights or the target are at fault; nothing is written then.
        Also if it must stop before there is a plan.
    MeasurementError
        If a model cannot be run or timed.

    Examples
    --------
    Without a target it only plans; here, every eligible convolution at rank 1:

    >>> import sepcost
    >>> goal = sepcost.Goal(sepcost.Aim.RANK, 1)
    >>> found = sepcost.convert(
    ...     "small-cnn", settings=sepcost.ConvertSettings(goal, verify=False)
    ... )
    >>> len(found.plan.choices), found.before.totals.macs, found.after.totals.macs
    (3, 10585344, 1548544)
    """
    from sepcost.separable import convert as route
    from sepcost.separable.settings import ConvertSettings, Wanted
    from sepcost.separable.watch import Watch

    path = Path(target) if target is not None else None
    wanted = Wanted(
        bind or {}, shape or {}, trips or {}, observe,
        target=path, force=force, copy_unchanged=copy_unchanged, frontier=frontier,
    )  # fmt: skip
    settings = settings or ConvertSettings()
    watch = Watch(
        on_progress or (lambda _: None), should_stop or (lambda: False), settings.max_time_s or inf
    )
    return route.convert(source, settings, wanted, watch)


def plan(
    source: str | Path,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    trips: Mapping[str, int] | None = None,
    observe: bool = False,
    settings: ConvertSettings | None = None,
    on_progress: Callable[[Stage], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Plan:
    """Choose a replacement for each convolution; verify and write nothing.

    Parameters
    ----------
    source, bind, shape, trips, observe, settings, on_progress, should_stop
        As for ``convert``.

    Returns
    -------
    Plan
        ``choices`` with their factors, for ``apply``. You may change it first: drop choices, or
        ``dataclasses.replace`` their ``factors``.

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
    return convert(
        source, bind=bind, shape=shape, trips=trips, observe=observe, settings=unverified,
        on_progress=on_progress, should_stop=should_stop,
    ).plan  # fmt: skip


def apply(
    source: str | Path, planned: Plan, target: str | Path, *, force: bool = False
) -> tuple[Path, ...]:
    """Carry out a plan: replace each chosen convolution with its factors, check, write.

    Parameters
    ----------
    source
        The source that was planned for.
    planned
        From ``plan``, or ``Conversion.plan``.
    target
        File for the model.
    force
        Overwrite an existing file.

    Returns
    -------
    tuple of Path
        The files written, the model first.

    Raises
    ------
    ModelError, SpecError
        If the source cannot be read.
    ConversionError
        If a chosen convolution is not in the source, its factors do not fit, or the target
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
