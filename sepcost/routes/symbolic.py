"""The route of ``analyze --symbolic``: count at many sizes, fit polynomials to the counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sepcost.cost import fitting
from sepcost.cost.analysis import Analysis
from sepcost.cost.axes import Key
from sepcost.cost.symbolic import Symbolic, figures
from sepcost.cost.symbolic import symbolic as settled
from sepcost.errors import BindingError, SepcostError
from sepcost.model.free import NamedShape, free_symbols, has_fixed_inputs
from sepcost.model.load import Loaded
from sepcost.routes.analyze import each_size, opened


def symbolic(
    source: str | Path,
    *,
    bind: Mapping[str, int] | None = None,
    shape: NamedShape | None = None,
    **how: Any,
) -> Symbolic:
    """Return the cost of a network, in total and by layer, as polynomials of its free sizes.

    The polynomials are exact for the sizes that the result names, such as multiples of 32: they
    equal the count at every size where they were compared. What is no polynomial says why.

    Parameters
    ----------
    source
        An ONNX file, a TOML layer spec, or the name of a shipped network.
    bind
        Sizes for symbolic dimensions; those without one stay free.
    shape
        Shapes of inputs; a name instead of a size names a dimension: ``{"x": (1, 3, "H", "W")}``.
    how
        Further arguments of ``analyze``.

    Raises
    ------
    ModelError, SpecError, BindingError
        As ``analyze``; also if no dimension is free.

    Examples
    --------
    >>> import sepcost
    >>> found = sepcost.symbolic("small-cnn")
    >>> found.totals["macs"].polynomial.terms
    {(1,): Fraction(10585344, 1)}
    >>> found.totals["macs"].polynomial.at({"N": 8})
    Fraction(84682752, 1)
    """
    loaded, how = opened(source, {**how, "shape": shape})
    fixed = dict(bind or {})
    free = tuple(symbol for symbol in free_symbols(loaded) if symbol not in fixed)
    if not free:
        raise BindingError(f"{source}: --symbolic needs {_missing(loaded)}")
    first: list[Analysis] = []
    refusals: list[SepcostError] = []
    known: dict[tuple[int, ...], dict[Key, int] | None] = {}

    def count(sizes: Mapping[str, int]) -> dict[Key, int] | None:
        try:
            (analysis,) = each_size(loaded, source, [{**fixed, **sizes}], **how)
        except SepcostError as error:
            refusals.append(error)
            return None
        if not first:
            first.append(analysis)
        return figures(analysis)

    def sample(sizes: Mapping[str, int]) -> dict[Key, int] | None:
        place = tuple(sizes[symbol] for symbol in free)
        if place not in known:
            known[place] = count(sizes)
        return known[place]

    base = fitting.start(free, sample)
    if base is None:
        raise refusals[0]
    return settled(first[0], base, fitting.fit(free, base, sample))


def _missing(loaded: Loaded) -> str:
    """What a model without free dimensions lacks."""
    if has_fixed_inputs(loaded):
        return "a dynamic dimension, but all input sizes are fixed"
    return "a named dynamic dimension that --bind does not set; name one with --shape INPUT=1x3xHxW"


def symbolics(
    source: str | Path, binds: Iterable[Mapping[str, int]], **how: Any
) -> tuple[Symbolic, ...]:
    """As ``symbolic``, for several bindings of one source."""
    return tuple(symbolic(source, bind=bind, **how) for bind in binds)
