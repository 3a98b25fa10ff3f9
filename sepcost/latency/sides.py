"""What a measurement compares: models, each on one set of providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sepcost.errors import MeasurementError
from sepcost.latency import advice
from sepcost.latency.child import Message
from sepcost.latency.jobs import ModelFile
from sepcost.latency.results import Placement
from sepcost.latency.settings import Settings

FALLBACK = "to measure it anyway: sepcost bench --allow-fallback"


@dataclass(frozen=True, slots=True)
class Side:
    """One model on one set of providers; sides of one set share processes."""

    name: str
    model: ModelFile
    settings: Settings  # of this set alone


def sides(models: Sequence[ModelFile], settings: Settings) -> tuple[Side, ...]:
    """All models on the first set of providers, then on the next; several sets are named."""
    sets = settings.each_set()
    return tuple(
        Side(model.name if len(sets) == 1 else _name(model, one), model, one)
        for one in sets
        for model in models
    )


def _name(model: ModelFile, settings: Settings) -> str:
    return f"{model.name} on {', '.join(settings.runtime.providers)}"


def refuse_fallback(compared: Sequence[Side], probes: Sequence[Message]) -> None:
    """Refuse CPU times in another provider's name; in strict mode refuse any fallback."""
    for side, probe in zip(compared, probes, strict=True):
        placement, asked = placement_of(probe), side.settings.runtime.providers
        for line in advice.of_fallback(placement, asked) if side.settings.strict else ():
            raise MeasurementError(f"{side.name}: {line} (refused by --strict)")
        for line in () if side.settings.allow_fallback else advice.of_no_use(placement, asked):
            raise MeasurementError(f"{side.name}: {line} ({FALLBACK})")


def placement_of(probe: Message) -> tuple[Placement, ...]:
    """Merge the subgraphs of each provider."""
    nodes: dict[str, list[str]] = {}
    for name, part in probe["placement"]:
        nodes.setdefault(name, []).extend(part)
    if len(nodes) == 1:
        return tuple(Placement(name, len(part), share=1.0) for name, part in nodes.items())
    return tuple(Placement(name, len(part), tuple(part)) for name, part in nodes.items())
