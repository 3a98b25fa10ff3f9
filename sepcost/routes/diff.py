"""The route of ``diff``: two analyses, matched layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sepcost.cost.analysis import Analysis
from sepcost.cost.diff import Diff, Digests
from sepcost.cost.diff import diff as compare
from sepcost.errors import SepcostError, UnknownNameError
from sepcost.evidence.revision import PREFIX, resolve
from sepcost.routes.analyze import analyze


def diff(
    old: str | Path | Analysis,
    new: str | Path | Analysis,
    *,
    bind: Mapping[str, int] | None = None,
    shape: Mapping[str, Sequence[int]] | None = None,
    weights: bool = False,
) -> Diff:
    """Compare two models: layers added, removed and changed, with their cost.

    Layers are matched by name and structure.

    Parameters
    ----------
    old, new
        Sources or results of ``analyze``. ``old`` may be ``git:REVISION``: the file ``new`` at
        that revision.
    bind, shape
        As for ``analyze``, the same for both.
    weights
        Also compare weight values, by a hash of their contents. Needs sources, not analyses.

    Raises
    ------
    ModelError, SpecError, BindingError
        If a source cannot be read, or a dynamic dimension is unbound.
    BudgetError
        If the revision cannot be read.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.diff("small-cnn", sepcost.analyze("small-cnn", alpha=0.5))
    >>> found.total("macs")
    (10585344, 2867840)
    """
    _refuse_revision(old, new)
    with _at_revision(old, new, weights) as before:
        first, second = (_counted(side, bind, shape) for side in (before, new))
        values = (_digests(before), _digests(new)) if weights else None
    if before is not old:
        first = replace(first, source=str(old))
    return compare(first, second, values)


def _counted(
    side: str | Path | Analysis,
    bind: Mapping[str, int] | None,
    shape: Mapping[str, Sequence[int]] | None,
) -> Analysis:
    if isinstance(side, Analysis):
        return side
    try:
        return analyze(side, bind=bind, shape=shape)
    except UnknownNameError as error:
        raise UnknownNameError(
            f"{error}; diff gives both models the same sizes", error.name
        ) from None


def _digests(side: str | Path | Analysis) -> Digests:
    from sepcost.model.digests import digests
    from sepcost.model.load import load

    if isinstance(side, Analysis):
        raise SepcostError(f"{side.source}: an analysis contains no weights; pass the model itself")
    return digests(load(str(side), weights=True))


def _refuse_revision(old: str | Path | Analysis, new: str | Path | Analysis) -> None:
    """Refuse a git revision as ``new``: it is the file ``new`` that a revision is searched for."""
    if not isinstance(new, str) or not new.startswith(PREFIX):
        return
    swapped = not isinstance(old, Analysis) and not str(old).startswith(PREFIX)
    remedy = f"write 'sepcost diff {new} {old}'" if swapped else "NEW must be a file"
    raise SepcostError(f"{new}: a revision can only be OLD; {remedy}")


@contextmanager
def _at_revision(
    old: str | Path | Analysis, new: str | Path | Analysis, weights: bool
) -> Iterator[str | Path | Analysis]:
    """Extract the file ``new`` at a git revision, if ``old`` names one."""
    if not isinstance(old, str) or not old.startswith(PREFIX):
        yield old
        return
    if isinstance(new, Analysis):
        raise SepcostError(f"{old}: needs the path of the new model, not its analysis")
    path = Path(new)
    with TemporaryDirectory(prefix="sepcost-") as folder:
        revision = resolve(old.removeprefix(PREFIX), path.absolute().parent)
        extracted = revision.extract(path, Path(folder))
        if extracted is None:
            raise SepcostError(f"{old}: no file {path} at this revision")
        try:
            if weights:
                revision.extract_data(path, extracted, Path(folder))
            yield extracted
        except SepcostError as error:
            error.args = (revision.naming(str(error), Path(folder)), *error.args[1:])
            raise
