"""The cost of a network as polynomials of its free sizes: the frozen result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sepcost.cost.analysis import Analysis
from sepcost.cost.axes import Key, Sizes
from sepcost.cost.fitting import Fits, SizeClass
from sepcost.cost.polynomial import Polynomial
from sepcost.cost.ranges import totals
from sepcost.cost.results import LayerCost

#: The costs of a layer that are fitted.
LAYER_COSTS: Mapping[str, Callable[[LayerCost], int | None]] = {
    "macs": lambda row: row.macs,
    "params": lambda row: row.params,
    "elementwise_ops": lambda row: row.elementwise_ops,
    "bytes_moved": lambda row: row.bytes_moved,
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """One cost as a polynomial; None with a reason if it is not one."""

    polynomial: Polynomial | None
    reason: str = ""
    counted: bool = True  # False if there is no count to fit a polynomial to


@dataclass(frozen=True, slots=True)
class SymbolicLayer:
    """One layer, and its costs by name."""

    id: str
    name: str
    domain: str
    op_type: str
    costs: Mapping[str, Fitted]


@dataclass(frozen=True, slots=True)
class Symbolic:
    """The cost of one network as polynomials, exact for the sizes in ``classes``."""

    source: str  # what the user named
    name: str
    bindings: Sizes  # dimensions with one size
    classes: tuple[SizeClass, ...]
    totals: Mapping[str, Fitted]
    layers: tuple[SymbolicLayer, ...]
    fitted: int  # sizes that the polynomials were fitted to
    verified: int  # further sizes at which they were compared with the count
    complete: bool  # False if the totals are only lower bounds
    warnings: tuple[str, ...] = ()


def figures(analysis: Analysis) -> dict[Key, int]:
    """All known costs of an analysis, the totals under the empty name."""
    found: dict[Key, int] = {
        ("", name): int(value) for name, value in totals(analysis.totals).items()
    }
    for row in analysis.rows:
        for name, read in LAYER_COSTS.items():
            if (value := read(row)) is not None:
                found[row.layer.id, name] = value
    return found


def symbolic(analysis: Analysis, free: Sizes, fits: Fits) -> Symbolic:
    """Put the fits of an analysis, at some sizes of its free symbols, into their places."""

    def fitted(key: Key, unknown: str = "not counted") -> Fitted:
        if key in fits.polynomials or key in fits.reasons:
            return Fitted(fits.polynomials.get(key), fits.reasons.get(key, ""))
        return Fitted(None, unknown, counted=False)

    return Symbolic(
        source=analysis.source,
        name=analysis.network.name,
        bindings={s: size for s, size in analysis.network.bindings.items() if s not in free},
        classes=fits.classes,
        totals={name: fitted(("", name)) for name in totals(analysis.totals)},
        layers=tuple(
            SymbolicLayer(
                row.layer.id,
                row.layer.name or row.layer.id,
                row.layer.domain,
                row.layer.op_type,
                {
                    name: fitted((row.layer.id, name), row.reason or "not counted")
                    for name in LAYER_COSTS
                },
            )
            for row in analysis.rows
        ),
        fitted=fits.fitted,
        verified=fits.verified,
        complete=analysis.coverage.complete,
        warnings=analysis.warnings,
    )
