"""What a person asked to see of one or more analyses; every format takes the same request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sepcost.cost.analysis import Analysis, Group, LayerCost
from sepcost.cost.groups import groups
from sepcost.report.select import matching, order_groups, select


@dataclass(frozen=True, slots=True)
class View:
    """The rows asked for, their order and their unit."""

    by: str = "layer"  # or op, scope, kernel, model: what one row stands for
    depth: int | None = None
    only: str | None = None
    sort: str | None = None  # None: network order for layers, the dearest first for groups
    top: int = 0
    unit: str = "macs"

    def layers(self, analysis: Analysis) -> tuple[LayerCost, ...]:
        """One row a layer."""
        return select(analysis, self.only, self.sort or "order", self.top)

    def groups(self, analysis: Analysis) -> tuple[Group, ...]:
        """One row a group of the layers that ``only`` leaves."""
        left = replace(analysis, rows=matching(analysis.rows, self.only))
        return order_groups(groups(left, self.by, self.depth), self.sort or "macs", self.top)


def titles(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    """A name for each analysis, with what it is bound to where names repeat."""
    names = [analysis.network.name or analysis.source for analysis in analyses]
    if len(set(names)) == len(names):
        return tuple(names)
    bound = [
        " ".join(f"{symbol}={size}" for symbol, size in analysis.network.bindings.items())
        for analysis in analyses
    ]
    return tuple(f"{name} {at}".rstrip() for name, at in zip(names, bound, strict=True))
