"""The cost of one run of one layer, or why it is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import index
from typing import Any

from sepcost.cost.geometry import key
from sepcost.cost.macs import conv_transpose, conv_transpose_at_output
from sepcost.cost.operators import FREE, NO_FORMULA, OPERATORS, bias_ops, elementwise_ops
from sepcost.cost.results import Conventions, CountStatus
from sepcost.cost.rows import MacFormula
from sepcost.errors import SepcostError
from sepcost.network import ABSENT, Layer, Shape

Operators = Mapping[tuple[str, str], MacFormula]


@dataclass(frozen=True, slots=True)
class RunCost:
    """The cost of one run; ``macs`` include ``bias``, which is 0 unless conventions count it."""

    status: CountStatus
    reason: str | None
    macs: int | None
    elementwise_ops: int | None
    bias: int = 0


class UnknownShapeError(Exception):
    """A formula used a shape that is not known."""


class UnknownShape(tuple[int, ...]):
    """Placeholder for an unknown shape; a formula that uses it raises."""

    __slots__ = ()

    def __iter__(self) -> Iterator[int]:
        raise UnknownShapeError

    def __len__(self) -> int:
        raise UnknownShapeError

    def __getitem__(self, key: Any) -> Any:
        raise UnknownShapeError

    def __eq__(self, other: object) -> bool:
        raise UnknownShapeError

    def __ne__(self, other: object) -> bool:
        raise UnknownShapeError

    __hash__ = tuple.__hash__


def tally(layer: Layer, operators: Operators, conventions: Conventions) -> RunCost:
    """Count one run of one layer.

    Raises
    ------
    SepcostError
        If a formula given by the user fails; the message names the operator.
    """
    name, visible = key(layer), _visible(layer)
    formula = operators.get(name)
    elements = _elements(visible)
    if formula is None:
        if name in FREE:
            return RunCost(CountStatus.FREE, None, 0, elements)
        reason = NO_FORMULA.get(name, "no formula for this operator")
        return RunCost(CountStatus.UNKNOWN, reason, None, elements)
    if formula is conv_transpose and conventions.conv_transpose == "output":
        formula = conv_transpose_at_output
    try:
        macs = index(formula(visible))
        bias = bias_ops(visible) if conventions.count_bias else 0
    except UnknownShapeError:
        return RunCost(CountStatus.UNRESOLVED, "; ".join(layer.missing[:2]), None, elements)
    except Exception as error:
        if formula is not OPERATORS.get(name) and formula is not conv_transpose_at_output:
            raise _broken(layer, error) from error
        reason = f"its shapes do not fit the operator ({type(error).__name__}: {error})"
        return RunCost(CountStatus.UNRESOLVED, reason, None, None)
    return _timed(layer, macs, bias, elements)


def _timed(layer: Layer, macs: int, bias: int, elements: int | None) -> RunCost:
    """Finish a count: it is unknown if the trip count is, and must not be negative."""
    if macs < 0:
        raise _broken(layer, ValueError(f"{macs} MACs"))
    if layer.trips is None and macs:
        return RunCost(
            CountStatus.UNRESOLVED, "its trip count depends on data: give --trips", None, elements
        )
    rest = None if elements is None else elements - bias
    return RunCost(CountStatus.COUNTED, None, macs + bias, rest, bias)


def _visible(layer: Layer) -> Layer:
    """Return the layer with each unknown shape replaced by ``UnknownShape``."""
    if not layer.missing:
        return layer
    return replace(
        layer,
        inputs=_hidden(layer.inputs, layer.reads),
        outputs=_hidden(layer.outputs, layer.writes),
    )


def _hidden(shapes: tuple[Shape, ...], names: tuple[str, ...]) -> tuple[Shape, ...]:
    named = names or ("?",) * len(shapes)
    return tuple(
        UnknownShape() if shape == ABSENT and name else shape
        for shape, name in zip(shapes, named, strict=False)
    )


def _elements(layer: Layer) -> int | None:
    try:
        return elementwise_ops(layer)
    except (UnknownShapeError, ArithmeticError, LookupError, TypeError, ValueError):
        return None


def _broken(layer: Layer, error: Exception) -> SepcostError:
    operator = f"{layer.domain}::{layer.op_type}" if layer.domain else layer.op_type
    return SepcostError(
        f"the formula for {operator} failed at node {layer.name or layer.id!r}: "
        f"{type(error).__name__}: {error}"
    )
