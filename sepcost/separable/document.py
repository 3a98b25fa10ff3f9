"""The parts of the JSON document ``sepcost/convert/1``: plain dicts, lists, numbers, None."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from sepcost.cost.analysis import Analysis
from sepcost.separable.find.candidates import Skip
from sepcost.separable.plan.choices import Choice, Forecast
from sepcost.separable.plan.frontier import FrontierPoint
from sepcost.separable.quality.intervals import Estimate
from sepcost.separable.quality.judge import Quality
from sepcost.separable.runs.output_loss import Effect
from sepcost.separable.tuning.outcome import Tuning
from sepcost.separable.verify import OutputFidelity

Entry = dict[str, Any]


def totals(analysis: Analysis) -> Entry:
    """Totals as in the document of ``analyze``."""
    sums = analysis.totals
    return {**asdict(sums), "flops": sums.flops, "reduction": sums.reduction}


def converted(choice: Choice) -> Entry:
    """One converted layer."""
    candidate, factors = choice.candidate, choice.factors
    return {
        "id": candidate.id,
        "name": candidate.name,
        "op_type": candidate.op_type,
        "action": "converted",
        "reason": None,
        "form": str(factors.form),
        "emitted": choice.form_emitted,
        "lifted": choice.lifted,
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
    """One kept convolution, with the reason."""
    entry: Entry = dict.fromkeys(
        ("form", "emitted", "lifted", "rank", "full_rank", "weight_error", "output_error", "effect",
         "macs_before", "macs_after", "ns_before", "ns_after")
    )  # fmt: skip
    named = {"id": skip.id, "name": skip.name, "op_type": skip.op_type}
    return {**named, "action": "kept", "reason": skip.reason, **entry}


def changed(effect: Effect) -> Entry:
    """The effect on the outputs."""
    lost = next((one.loss for one in effect.qualities if one.metric == "top1"), None)
    return {
        "kl": number(effect.kl),
        "relative_error": number(effect.relative_error) if effect.batches else None,
        "relative_error_interval": _interval(effect.error) if effect.samples else None,
        "top1_drop": lost and lost.mean,
        "top1_drop_interval": lost and _interval(lost),
        "images": effect.samples,
        "qualities": list(map(_quality, effect.qualities)),
    }


def _quality(quality: Quality) -> Entry:
    return {
        "metric": quality.metric,
        "original": quality.original.mean,
        "converted": quality.converted.mean,
        "converted_interval": _interval(quality.converted),
        "loss": quality.loss.mean,
        "loss_interval": _interval(quality.loss),
        "samples": quality.loss.samples,
    }


def _interval(estimate: Estimate) -> list[Any]:
    return [number(estimate.low), number(estimate.high)]


def fields(record: Forecast | OutputFidelity | FrontierPoint | Tuning) -> Entry:
    """A record as a dict of its fields."""
    return {key: number(value) for key, value in asdict(record).items()}


def number(value: Any) -> Any:
    """A number as JSON: null if it is not finite."""
    return None if isinstance(value, float) and not isfinite(value) else value
