"""Scan: a body that runs once per slice of its inputs."""

from __future__ import annotations

from typing import NamedTuple, TypeGuard

from sepcost.errors import ModelError
from sepcost.model.control import Holder, Inputs, body_of, feed, stacked, times, trips_of
from sepcost.model.graphs import body_prefix, label
from sepcost.model.values import Known, opaque, tensor_type
from sepcost.network import Shape


class _Operands(NamedTuple):
    """The inputs of a Scan: initial states, then values, each scanned along an axis."""

    states: Inputs
    scanned: Inputs
    axes: list[int]
    batched: bool  # opset 8: values are [batch, sequence, ...], and the first input is lengths


def scan(holder: Holder, inputs: Inputs) -> list[Known]:
    """Walk the body on one slice of each scanned input; it runs once per slice."""
    body = body_of(holder, "body")
    operands = _operands(holder, inputs)
    lengths = [_length(k, axis) for k, axis in zip(operands.scanned, operands.axes, strict=True)]
    trips = trips_of(holder, next((length for length in lengths if length is not None), None))
    batch = _length(operands.scanned[0], 0) if operands.batched else 1
    inner = holder.scope.within(
        body_prefix(holder.id, "body"), trips=times(holder.scope.trips, times(trips, batch))
    )
    slices = [_slice(k, axis) for k, axis in zip(operands.scanned, operands.axes, strict=True)]
    fed = [*(known or opaque("") for known in operands.states), *slices]
    feed(holder, inner, body, [_slice(known, 0) for known in fed] if operands.batched else fed)
    outputs = [Known("", known.type) for known in holder.run(inner, body)]
    states, collected = outputs[: len(operands.states)], outputs[len(operands.states) :]
    axes = _ints(holder, "scan_output_axes", len(collected))
    results = states + [stacked(k, trips, axis) for k, axis in zip(collected, axes, strict=True)]
    return [stacked(known, batch, 0) for known in results] if operands.batched else results


def _operands(holder: Holder, inputs: Inputs) -> _Operands:
    batched = holder.scope.opset("") < 9
    values = inputs[1:] if batched else inputs
    scanned = next((a.i for a in holder.node.attribute if a.name == "num_scan_inputs"), 0)
    if not 1 <= scanned <= len(values):
        raise ModelError(
            f"{holder.state.source}: {label(holder.node)} scans {scanned} of {len(values)} inputs;"
            " export the model again"
        )
    first = len(values) - scanned
    axes = [1] * scanned if batched else _ints(holder, "scan_input_axes", scanned)
    return _Operands(values[:first], values[first:], axes, batched)


def _ints(holder: Holder, name: str, count: int) -> list[int]:
    """Return ``count`` axes; the default is 0."""
    given = [i for a in holder.node.attribute if a.name == name for i in a.ints]
    return [*given, *[0] * count][:count]


def _length(known: Known | None, axis: int) -> int | None:
    shape = known.shape if known else None
    return None if not _has_axis(shape, axis) else shape[axis]


def _slice(known: Known | None, axis: int) -> Known:
    """Return the type of a value with one axis removed."""
    shape = known.shape if known else None
    if known is None or not _has_axis(shape, axis):
        return opaque("")
    at = axis % len(shape)
    return Known("", tensor_type(known.type.tensor_type.elem_type, shape[:at] + shape[at + 1 :]))


def _has_axis(shape: Shape | None, axis: int) -> TypeGuard[Shape]:
    return shape is not None and -len(shape) <= axis < len(shape)
