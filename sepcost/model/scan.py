"""Scan: a body that runs once a slice of its inputs."""

from __future__ import annotations

from typing import NamedTuple, TypeGuard

from sepcost.errors import ModelError
from sepcost.model.control import Inputs, Site, body_of, feed, stacked, times, trips_of
from sepcost.model.values import Known, opaque, tensor_type
from sepcost.model.walk_state import body_prefix, label
from sepcost.network import Shape


class _Form(NamedTuple):
    """What goes in: first the states, then what is scanned, each along its axis."""

    states: Inputs
    scanned: Inputs
    axes: list[int]
    batched: bool  # Scan of opset 8 runs over [batch, sequence, ...] and has lengths before all


def scan(site: Site, inputs: Inputs) -> list[Known]:
    """Walk the body with one slice of each scanned input; it runs once a slice."""
    body = body_of(site, "body")
    form = _form(site, inputs)
    lengths = [_length(k, axis) for k, axis in zip(form.scanned, form.axes, strict=True)]
    trips = trips_of(site, next((length for length in lengths if length is not None), None))
    batch = _length(form.scanned[0], 0) if form.batched else 1
    inner = site.scope.within(
        body_prefix(site.id, "body"), trips=times(site.scope.trips, times(trips, batch))
    )
    slices = [_slice(k, axis) for k, axis in zip(form.scanned, form.axes, strict=True)]
    fed = [*(known or opaque("") for known in form.states), *slices]
    feed(site, inner, body, [_slice(known, 0) for known in fed] if form.batched else fed)
    outputs = [Known("", known.type) for known in site.run(inner, body)]
    states, collected = outputs[: len(form.states)], outputs[len(form.states) :]
    axes = _ints(site, "scan_output_axes", len(collected))
    results = states + [stacked(k, trips, axis) for k, axis in zip(collected, axes, strict=True)]
    return [stacked(known, batch, 0) for known in results] if form.batched else results


def _form(site: Site, inputs: Inputs) -> _Form:
    batched = site.scope.opset("") < 9
    values = inputs[1:] if batched else inputs
    scanned = next((a.i for a in site.node.attribute if a.name == "num_scan_inputs"), 0)
    if not 1 <= scanned <= len(values):
        raise ModelError(
            f"{site.walk.source}: {label(site.node)} scans {scanned} of {len(values)} inputs;"
            " export the model again"
        )
    first = len(values) - scanned
    axes = [1] * scanned if batched else _ints(site, "scan_input_axes", scanned)
    return _Form(values[:first], values[first:], axes, batched)


def _ints(site: Site, name: str, count: int) -> list[int]:
    """Return ``count`` axes; those that are not given are 0."""
    given = [i for a in site.node.attribute if a.name == name for i in a.ints]
    return [*given, *[0] * count][:count]


def _length(known: Known | None, axis: int) -> int | None:
    shape = known.shape if known else None
    return None if not _has_axis(shape, axis) else shape[axis]


def _slice(known: Known | None, axis: int) -> Known:
    """Return a value without one of its axes."""
    shape = known.shape if known else None
    if known is None or not _has_axis(shape, axis):
        return opaque("")
    at = axis % len(shape)
    return Known("", tensor_type(known.type.tensor_type.elem_type, shape[:at] + shape[at + 1 :]))


def _has_axis(shape: Shape | None, axis: int) -> TypeGuard[Shape]:
    return shape is not None and -len(shape) <= axis < len(shape)
