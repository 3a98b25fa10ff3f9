"""A conversion as the JSON document ``sepcost/convert/1``: plain dicts, lists, numbers, None."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from sepcost import __version__
from sepcost.cost.analysis import Analysis
from sepcost.separable.find.candidates import Skip
from sepcost.separable.plan.choices import Choice

if TYPE_CHECKING:
    from sepcost.separable.conversion import Conversion

SCHEMA = "sepcost/convert/1"

Entry = dict[str, Any]


def document(found: Conversion) -> Entry:
    """Return the whole document."""
    plan, effect = found.plan, found.effect
    return {
        "schema": SCHEMA,
        "version": __version__,
        "sources": [found.source],
        "goal": {"aim": str(plan.goal.aim), "value": plan.goal.value, "met": not found.missed},
        "before": totals(found.before),
        "after": totals(found.after),
        "predicted": {key: number(value) for key, value in asdict(plan.predicted).items()},
        "allocation": plan.allocation,
        "layers": [*map(converted, plan.choices), *map(kept, plan.kept)],
        "effect": {
            "kl": number(effect.kl),
            "relative_error": number(effect.relative_error) if effect.batches else None,
            "top1_drop": number(effect.drop),
            "top1_drop_interval": effect.drop_interval and list(effect.drop_interval),
            "images": effect.images,
        },
        "fidelity": found.fidelity
        and {
            "inputs": found.inputs,
            "outputs": [
                {key: number(value) for key, value in asdict(output).items()}
                for output in found.fidelity.outputs
            ],
        },
        "latency": found.latency and found.latency.to_dict(),
        "speedup": number(found.speedup),
        "missed": found.missed,
        "written": [str(path) for path in found.written],
        "frontier": [
            {key: number(value) for key, value in asdict(point).items()} for point in found.frontier
        ],
        "notes": list(found.notes),
    }


def totals(analysis: Analysis) -> Entry:
    """Totals as ``analyze`` gives them."""
    found = analysis.totals
    return {**asdict(found), "flops": found.flops, "reduction": found.reduction}


def converted(choice: Choice) -> Entry:
    """One layer that changed."""
    candidate, factors = choice.candidate, choice.factors
    return {
        "id": candidate.id,
        "name": candidate.name,
        "op_type": candidate.op_type,
        "action": "converted",
        "reason": None,
        "form": str(factors.form),
        "emitted": choice.form_emitted,
        "rank": factors.rank,
        "full_rank": factors.full_rank or None,
        "weight_error": number(choice.weight_error),
        "output_error": number(choice.output_error),
        "effect": number(choice.effect),
        "macs_before": choice.macs_before,
        "macs_after": choice.macs_after,
        "ns_before": number(choice.ns_before),
        "ns_after": number(choice.ns_after),
    }


def kept(skip: Skip) -> Entry:
    """One convolution that stayed, and why."""
    entry: Entry = dict.fromkeys(
        ("form", "emitted", "rank", "full_rank", "weight_error", "output_error", "effect",
         "macs_before", "macs_after", "ns_before", "ns_after")
    )  # fmt: skip
    named = {"id": skip.id, "name": skip.name, "op_type": skip.op_type}
    return {**named, "action": "kept", "reason": skip.reason, **entry}


def number(value: Any) -> Any:
    """What JSON can hold: a number that is not finite is null."""
    return None if isinstance(value, float) and not isfinite(value) else value
