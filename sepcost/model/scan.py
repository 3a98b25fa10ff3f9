"""Scan: a body that runs once a slice of its inputs."""

from __future__ import annotations

from onnx import TypeProto

from sepcost.model.control import Inputs, Site, body_of, feed, stacked, times, trips_of
from sepcost.model.values import Known, opaque, tensor_type
from sepcost.model.walk import body_prefix


def scan(site: Site, inputs: Inputs) -> list[Known]:
    """Walk the body with one slice of each scanned input; it runs once a slice."""
    body = body_of(site.node, "body")
    lists = {a.name: list(a.ints) for a in site.node.attribute}
    scanned = next((a.i for a in site.node.attribute if a.name == "num_scan_inputs"), 0)
    batched = site.scope.opset("") < 9
    values = inputs[1:] if batched else inputs
    first = len(values) - scanned
    axes = _axes(lists.get("directions" if batched else "scan_input_axes"), scanned, batched)
    slices = [
        _slice(known, axis, batched) for known, axis in zip(values[first:], axes, strict=False)
    ]
    lengths = [_length(known, axis) for known, axis in zip(values[first:], axes, strict=False)]
    trips = trips_of(site, lengths[0] if lengths else None)
    batch = _length(values[first], 0) if batched else 1
    states = [_state(known, batched) for known in values[:first]]
    inner = site.scope.within(
        body_prefix(site.id, "body"), trips=times(site.scope.trips, times(trips, batch))
    )
    feed(site, inner, body, [*states, *slices])
    outputs = [Known("", known.type) for known in site.run(inner, body)]
    if batched:
        return [opaque("") for _ in outputs]
    axes = _axes(lists.get("scan_output_axes"), len(outputs) - first, batched)
    collected = zip(outputs[first:], axes, strict=False)
    return outputs[:first] + [stacked(known, trips, axis) for known, axis in collected]


def _axes(given: object, count: int, batched: bool) -> list[int]:
    axes = given if isinstance(given, list) and not batched else []
    return [*axes, *[1 if batched else 0] * count][:count]


def _length(known: Known | None, axis: int) -> int | None:
    shape = known.shape if known else None
    return None if shape is None or not -len(shape) <= axis < len(shape) else shape[axis]


def _slice(known: Known | None, axis: int, batched: bool) -> Known:
    shape = list(known.shape) if known and known.shape is not None else None
    if known is None or shape is None or not -len(shape) <= axis < len(shape):
        return opaque("")
    del shape[axis]
    kept = shape[1:] if batched else shape
    return Known("", tensor_type(known.type.tensor_type.elem_type, tuple(kept)))


def _state(known: Known | None, batched: bool) -> Known:
    if known is None or not batched:
        return Known("", known.type if known else TypeProto())
    return _slice(known, 0, batched=False)
