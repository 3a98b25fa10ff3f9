"""The result of ``report``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sepcost.cost.analysis import Analysis
from sepcost.latency.results import Bench

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """One model: counted, measured and, if asked for, with a planned conversion."""

    analysis: Analysis
    bench: Bench
    conversion: Conversion | None = None
