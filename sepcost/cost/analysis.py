"""The cost of a network: the frozen result that every report reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sepcost.cost import blocked, document
from sepcost.cost.results import Conventions, Coverage, LayerCost, Totals
from sepcost.network import Network

if TYPE_CHECKING:
    from sepcost.cost.arena import Arena


@dataclass(frozen=True, slots=True)
class Analysis:
    """The cost of one network, per row and in total."""

    source: str  # what the user named
    network: Network
    rows: tuple[LayerCost, ...]
    totals: Totals
    coverage: Coverage
    conventions: Conventions
    warnings: tuple[str, ...]

    @property
    def advice(self) -> tuple[str, ...]:
        """How to make the model faster without changing its results, one line per remedy."""
        return tuple(each.line() for each in blocked.outside(self.network, self.rows))

    @property
    def arena(self) -> Arena:
        """A placement of all activations in the least memory, with operators in place."""
        from sepcost.cost import arena, branches  # noqa: PLC0415  (only where it is asked for)

        choices = self.network.choices
        running = [each for each in self.network.layers if branches.may_run(each, choices)]
        return arena.arena(self.network, running)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dict per row, with the columns of ``--format csv``."""
        from sepcost.cost.records import records  # noqa: PLC0415  (only where it is asked for)

        return records(self.rows)

    def to_dataframe(self, library: str | None = None) -> Any:
        """Return the records as a data frame of pandas, polars or pyarrow.

        Without ``library``, one that is already imported is taken, else one that is installed.

        Raises
        ------
        SepcostError
            If there is none.
        """
        from sepcost.cost.records import data_frame  # noqa: PLC0415

        return data_frame(self.rows, library)

    def _repr_html_(self) -> str:
        from sepcost.cost.records import fragment  # noqa: PLC0415

        least = "" if self.coverage.complete else "at least "
        totals = f"{least}{self.totals.macs:,} MACs, {self.totals.params:,} params"
        return fragment(f"{self.network.name}: {totals}", self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document ``sepcost/analyze/1`` for this one model."""
        return document.headed([self.entry()], [self.source])

    def entry(self) -> dict[str, Any]:
        """Return the model's entry in the document: what was read, totals, every row."""
        return {
            **document.described(self.network, self.source),
            "conventions": asdict(self.conventions),
            "totals": document.totals(self.totals),
            "per_item": document.per_item(self.totals, self.network.batch),
            "coverage": document.coverage(self.coverage),
            "layers": [document.layer(self.network, row) for row in self.rows],
            "dead_weights": [document.tensor(value) for value in self.network.dead_weights],
            "warnings": list(self.warnings),
            "advice": list(self.advice),
        }
