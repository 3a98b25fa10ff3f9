"""The frozen result of a conversion: predictions, measurements and the files written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sepcost import __version__
from sepcost.cost.analysis import Analysis
from sepcost.latency.results import Bench
from sepcost.separable.document import changed, converted, fields, kept, number, totals
from sepcost.separable.plan.choices import Plan
from sepcost.separable.plan.frontier import FrontierPoint
from sepcost.separable.runs.output_loss import Effect
from sepcost.separable.runs.sensitivity import Gradients
from sepcost.separable.settings import NOT_MET, Goal
from sepcost.separable.tuning.outcome import Tuning
from sepcost.separable.verify import Fidelity

SCHEMA = "sepcost/convert/1"


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """A conversion's plan, predictions, measurements and written files."""

    source: str
    plan: Plan
    before: Analysis
    after: Analysis
    inputs: str  # what outputs were compared on: a key of ``judge.COMPARED_ON``
    effect: Effect
    fidelity: Fidelity | None = None  # None if not verified
    latency: Bench | None = None
    measured: float | None = None  # the quantity that the goal limits
    missed: str | None = None  # why a goal or a minimum requirement is not met
    written: tuple[Path, ...] = ()
    frontier: tuple[FrontierPoint, ...] = ()
    notes: tuple[str, ...] = ()
    gradients: Gradients | None = None  # None if no layer was fitted with gradients
    tuning: Tuning | None = None  # None if nothing was tuned
    also: Goal | None = None  # the goal beside the plan's
    met: bool = True  # whether the goals are met; a minimum requirement may be missed

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The plan's goal, and the one beside it."""
        return (self.plan.goal,) if self.also is None else (self.plan.goal, self.also)

    @property
    def verdict(self) -> str:
        """Whether the goals are met, not met or not shown to be met."""
        if self.met:
            return "met"
        return "not met" if NOT_MET in (self.missed or "") else "not shown to be met"

    @property
    def speedup(self) -> float | None:
        """Measured latency of the original over that of the result."""
        if self.latency is None or not self.latency.comparisons:
            return None
        return 1 / self.latency.comparisons[0].ratio.estimate

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document ``sepcost/convert/1``."""
        plan = self.plan
        return {
            "schema": SCHEMA,
            "version": __version__,
            "sources": [self.source],
            "goal": {"aim": str(plan.goal.aim), "value": plan.goal.value, "met": self.met},
            "goals": [{"aim": str(goal.aim), "value": goal.value} for goal in self.goals],
            "before": totals(self.before),
            "after": totals(self.after),
            "predicted": fields(plan.predicted),
            "allocation": plan.allocation,
            "layers": [*map(converted, plan.choices), *map(kept, plan.kept)],
            "effect": changed(self.effect),
            "fidelity": self.fidelity
            and {"inputs": self.inputs, "outputs": list(map(fields, self.fidelity.outputs))},
            "latency": self.latency and self.latency.to_dict(),
            "speedup": number(self.speedup),
            "missed": self.missed,
            "written": [str(path) for path in self.written],
            "frontier": list(map(fields, self.frontier)),
            "notes": list(self.notes),
            "gradients": self.gradients and asdict(self.gradients),
            "tuning": self.tuning and fields(self.tuning),
        }
