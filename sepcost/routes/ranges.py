"""The route of ``analyze --bind H=224:640:32``: count at every size, keep the extremes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sepcost.cost.analysis import Analysis
from sepcost.cost.ranges import Bindings, CostRange, extents, points, ranged, totals
from sepcost.model.load import Loaded
from sepcost.routes.analyze import analyze, each_size, opened


def cost_range(source: str | Path, bind: Bindings, **how: Any) -> CostRange:
    """Return the minimum and maximum of every total over ranges of sizes, and where they occur.

    Every size of the ranges is counted; the file is read once.

    Parameters
    ----------
    source
        An ONNX file, a TOML layer spec, or the name of a shipped network.
    bind
        Sizes for symbolic dimensions: one, or a range: ``{"N": 1, "H": range(224, 641, 32)}``.
    how
        Further arguments of ``analyze``.

    Raises
    ------
    ModelError, SpecError, BindingError
        As ``analyze``; also if the ranges have more than 1000 combinations.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.cost_range("small-cnn", {"N": range(1, 9)})
    >>> macs = found.costs["macs"]
    >>> (macs.least, macs.least_at), (macs.most, macs.most_at)
    ((10585344, {'N': 1}), (84682752, {'N': 8}))
    """
    return cost_ranges(source, [bind], **how)[0]


def cost_ranges(source: str | Path, binds: Iterable[Bindings], **how: Any) -> tuple[CostRange, ...]:
    """As ``cost_range``, for several bindings of one source."""
    loaded, how = opened(source, how)
    return tuple(_spanned(loaded, source, bind, how) for bind in binds)


def each_point(
    source: str | Path, *, bind: Bindings | None = None, **how: Any
) -> Analysis | Iterator[Analysis]:
    """As ``analyze``; with a range of sizes, the analyses of all its points, one after another."""
    if not ranged(bind or {}):
        return analyze(source, bind=points(bind or {})[0], **how)
    loaded, how = opened(source, how)
    return each_size(loaded, source, points(bind or {}), **how)


def _spanned(
    loaded: Loaded, source: str | Path, bind: Bindings, how: Mapping[str, Any]
) -> CostRange:
    ranges = ranged(bind)
    grid = points(bind)
    figures, complete, warnings = [], True, dict[str, None]()
    for sizes, analysis in zip(grid, each_size(loaded, source, grid, **how), strict=True):
        figures.append(({name: sizes[name] for name in ranges}, totals(analysis.totals)))
        complete = complete and analysis.coverage.complete
        warnings |= dict.fromkeys(analysis.warnings)
    return CostRange(
        source=str(source),
        name=loaded.name,
        bindings={name: size for name, size in bind.items() if isinstance(size, int)},
        ranges=ranges,
        points=len(grid),
        costs=extents(figures),
        complete=complete,
        warnings=tuple(warnings),
    )
