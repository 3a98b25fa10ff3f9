"""The route of ``diff``: two analyses, matched layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sepcost.cost.analysis import Analysis
from sepcost.cost.diff import Diff
from sepcost.cost.diff import diff as compare
from sepcost.routes.analyze import analyze


def diff(
    old: str | Path | Analysis,
    new: str | Path | Analysis,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
) -> Diff:
    """Tell what changed between two models: layers added, removed and changed, with their cost.

    Layers are matched by identity and structure. The values of weights are not compared.

    Parameters
    ----------
    old, new
        Whatever ``analyze`` takes, or what it returned.
    bind, shape
        As for ``analyze``, the same for both.

    Raises
    ------
    ModelError, SpecError, BindingError
        Where a source cannot be read, or a dynamic dimension is unbound.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.diff("small-cnn", sepcost.analyze("small-cnn", alpha=0.5))
    >>> found.total("macs")
    (10585344, 2867840)
    """
    sides = [
        side if isinstance(side, Analysis) else analyze(side, bind=bind, shape=shape)
        for side in (old, new)
    ]
    return compare(*sides)
