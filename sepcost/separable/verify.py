"""Compare every output of the original and the converted model on the same inputs.

All figures are sums over all batches and elements, in double precision: relative error
‖a - b‖₂ / ‖a‖₂, SQNR 10·log₁₀(‖a‖² / ‖a - b‖²) and cosine a·b / (‖a‖·‖b‖), with outputs a of the
original and b of the converted model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log10, sqrt
from typing import Any

import numpy as np

from sepcost.errors import ModelError
from sepcost.latency.jobs import Runtime
from sepcost.model.load import Loaded
from sepcost.model.tensors import Array
from sepcost.model.values import text
from sepcost.separable.data.samples import Feeds
from sepcost.separable.runs.activations import runner


@dataclass(frozen=True, slots=True)
class OutputFidelity:
    """Difference of one output of the converted model from the original's.

    A figure is None if it is undefined: a ratio to an output of zeros, the SQNR of an exact
    output, the top-1 agreement of an output that is not [N, classes]. ``mismatched`` counts
    elements that are not finite in both models, unless they are equal; the figures cover the
    elements that are finite in both.
    """

    name: str
    relative_error: float | None
    sqnr_db: float | None
    max_abs: float | None
    cosine: float | None
    top1_agreement: float | None
    mismatched: int = 0


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Difference of a converted model from the original, per output."""

    outputs: tuple[OutputFidelity, ...]
    batches: int

    @property
    def relative_error(self) -> float | None:
        """The largest over all outputs; None if one has mismatched elements."""
        errors = [output.relative_error for output in self.outputs]
        if any(output.mismatched for output in self.outputs):
            return None
        return max((e for e in errors if e is not None), default=None)


def compare(
    original: Loaded,
    converted: Loaded,
    feeds: Feeds | Iterable[Feeds],
    *,
    runtime: Runtime | None = None,
    first: str = "original",
    answers: Iterable[Sequence[Any]] | None = None,
) -> Fidelity:
    """Run both models on the same inputs and compare every output.

    Parameters
    ----------
    original, converted
        Two models with the same inputs and outputs; ``converted`` need not have been saved.
    feeds
        One array per input, or any number of such batches; they are not kept.
    runtime
        Settings of the sessions.
    first
        What errors call the first model.
    answers
        What the original returned for each batch, if it need not run again.

    Raises
    ------
    ModelError
        ONNX Runtime cannot load or run a model, or the outputs differ in name or shape.
    MeasurementError
        Memory is too small.
    """
    batches = [feeds] if isinstance(feeds, Mapping) else feeds
    given = None if answers is None else iter(answers)
    run_a = runner(original, runtime or Runtime()) if given is None else lambda _: next(given)
    run_b = runner(converted, runtime or Runtime())
    names, others = outputs(original), outputs(converted)
    if names != others:
        raise ModelError(f"{converted.source}: has outputs {others}, but the {first} has {names}")
    sums = {name: _Sums() for name in names}
    count = 0
    for batch in batches:
        count += 1
        for name, a, b in zip(names, run_a(batch), run_b(batch), strict=True):
            sums[name].add(name, a, b, first)
    return Fidelity(tuple(one.result(name) for name, one in sums.items()), count)


def outputs(model: Loaded) -> list[str]:
    """Names of the outputs, in order."""
    return [text(value.name) for value in model.proto.graph.output]


@dataclass(slots=True)
class _Sums:
    """Sums that give all figures of one output, accumulated batch by batch."""

    aa: float = 0.0
    bb: float = 0.0
    ab: float = 0.0
    gap: float = 0.0
    max_abs: float = 0.0
    mismatched: int = 0
    rows: int = 0
    agreed: int = 0
    compared: bool = False

    def add(self, name: str, a: Any, b: Any, first: str) -> None:
        for x, y in _arrays(a, b):
            if x.shape != y.shape:
                raise ModelError(
                    f"output {name!r} has shape {list(y.shape)}, but {list(x.shape)} in the "
                    f"{first}; the outputs cannot be compared"
                )
            self._add(x, y)

    def _add(self, a: Array, b: Array) -> None:
        if a.ndim == 2 and a.shape[1] > 1 and a.dtype.kind == "f":
            self.rows += len(a)
            self.agreed += int((_top(a) == _top(b)).sum())
        if a.dtype.kind not in "biuf":
            self.mismatched += int((a != b).sum())
            return
        x, y = a.astype(np.float64).reshape(-1), b.astype(np.float64).reshape(-1)
        finite = np.isfinite(x) & np.isfinite(y)
        if not finite.all():
            same = (x == y) | (np.isnan(x) & np.isnan(y))
            self.mismatched += int((~finite & ~same).sum())
            x, y = x[finite], y[finite]
        gap = x - y
        self.aa += float(x @ x)
        self.bb += float(y @ y)
        self.ab += float(x @ y)
        self.gap += float(gap @ gap)
        self.max_abs = max(self.max_abs, float(np.abs(gap).max(initial=0.0)))
        self.compared = True

    def result(self, name: str) -> OutputFidelity:
        exact = self.gap == 0
        error = 0.0 if exact else sqrt(self.gap / self.aa) if self.aa else None
        both = sqrt(self.aa) * sqrt(self.bb)
        known = self.compared and isfinite(self.gap)
        return OutputFidelity(
            name,
            relative_error=error if known else None,
            sqnr_db=10 * log10(self.aa / self.gap) if known and self.aa and not exact else None,
            max_abs=self.max_abs if known else None,
            cosine=min(1.0, self.ab / both) if known and both else None,
            top1_agreement=self.agreed / self.rows if self.rows else None,
            mismatched=self.mismatched,
        )


def _arrays(a: Any, b: Any) -> Iterator[tuple[Array, Array]]:
    """Pair the arrays of two outputs: tensors, or items of sequences and maps."""
    if isinstance(a, Mapping):
        yield from _arrays(list(a.values()), [b.get(key) for key in a])
    elif isinstance(a, list | tuple):
        for x, y in zip(a, b, strict=True):
            yield from _arrays(x, y)
    elif a is not None:
        yield np.asarray(a), np.asarray(b)


def _top(rows: Array) -> Array:
    """Index of each row's first maximum; NaN counts as smallest."""
    wide = rows.astype(np.float64)
    return np.asarray(np.where(np.isnan(wide), -np.inf, wide).argmax(axis=1))
