"""The route of ``diff``: two analyses, matched layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sepcost.cost.analysis import Analysis
from sepcost.cost.diff import Diff, Digests
from sepcost.cost.diff import diff as compare
from sepcost.errors import SepcostError
from sepcost.routes.analyze import analyze


def diff(
    old: str | Path | Analysis,
    new: str | Path | Analysis,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    weights: bool = False,
) -> Diff:
    """Tell what changed between two models: layers added, removed and changed, with their cost.

    Layers are matched by identity and structure.

    Parameters
    ----------
    old, new
        Whatever ``analyze`` takes, or what it returned.
    bind, shape
        As for ``analyze``, the same for both.
    weights
        Also compare the values of weights, by a hash of their contents; sources only.

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
    before, after = (
        side if isinstance(side, Analysis) else analyze(side, bind=bind, shape=shape)
        for side in (old, new)
    )
    return compare(before, after, _digests((old, new)) if weights else None)


def _digests(sides: tuple[str | Path | Analysis, ...]) -> tuple[Digests, Digests]:
    from sepcost.model.digests import digests
    from sepcost.model.load import load

    for side in sides:
        if isinstance(side, Analysis):
            raise SepcostError(f"{side.source}: an analysis holds no weights; name the model")
    old, new = (digests(load(str(side), weights=True)) for side in sides)
    return old, new
