"""Outputs of a model compared with its baseline's, on the same seeded random inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sepcost.budget.results import Measured, Reading
from sepcost.errors import ModelError
from sepcost.latency.inputs import random_inputs
from sepcost.model.describe import describe
from sepcost.model.load import load
from sepcost.separable.verify import OutputFidelity, compare

#: Batches to run, each with its own seed.
BATCHES = 4

Figure = Callable[[OutputFidelity], float | None]

#: Metric -> the figure of one output, and the choice among several outputs.
FIGURES: Mapping[str, tuple[Figure, Callable[[Iterable[float]], float]]] = {
    "max-output-error": (lambda output: output.relative_error, max),
    "min-output-cosine": (lambda output: output.cosine, min),
    "min-top1-agreement": (lambda output: output.top1_agreement, min),
}


def compared(sources: Sequence[str], options: Mapping[str, Any]) -> Measured:
    """Run the baseline (first) and the model; return the figures of the worst output.

    A figure that is undefined for every output is left out. If one model gives finite numbers and
    the other does not, all figures are left out.

    Raises
    ------
    ModelError
        If a model cannot be run, or inputs or outputs differ in name, or outputs in shape.
    """
    multipliers = {key: options.get(key) for key in ("alpha", "rho")}
    old, new = (load(source, weights=True, **multipliers) for source in sources)
    sizes = {key: options.get(key) for key in ("bind", "shape")}
    before, after = (describe(model, **sizes).inputs for model in (old, new))
    known, names = (sorted(value.name for value in inputs) for inputs in (before, after))
    if names != known:
        raise ModelError(f"{new.source}: has inputs {names}, but the baseline has {known}")
    batches = [random_inputs(after, seed)[0] for seed in range(BATCHES)]
    fidelity = compare(old, new, batches, first="baseline")
    if any(output.mismatched for output in fidelity.outputs):
        return {}
    return dict(_readings(fidelity.outputs))


def _readings(outputs: Sequence[OutputFidelity]) -> Iterator[tuple[str, Reading]]:
    for metric, (figure, worst) in FIGURES.items():
        known = [value for output in outputs if (value := figure(output)) is not None]
        if known:
            value = worst(known)
            yield metric, Reading(value, value, value)
