"""The route of ``convert``: load, sort out, plan, carry out, verify, save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion
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
