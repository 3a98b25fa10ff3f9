"""Loop: a body that runs until its trip count is reached or its condition fails."""

from __future__ import annotations

import onnx
from onnx import TensorProto

from sepcost.model.control import Holder, Inputs, body_of, common, feed, stacked, times, trips_of
from sepcost.model.graphs import body_prefix
from sepcost.model.values import Known, opaque, tensor_type


def loop(holder: Holder, inputs: Inputs) -> list[Known]:
    """Walk the body with carried types that hold for every trip.

    The outputs are the carried values after the last trip (the initial ones if there is no trip),
    then the outputs stacked over the trips.
    """
    body = body_of(holder, "body")
    trips = trips_of(holder, _trips(inputs, body))
    given = [Known("", known.type) if known else opaque("") for known in inputs[2:]]
    outputs = _fixed_point(holder, body, given, trips)[1:]
    left, collected = outputs[: len(given)], outputs[len(given) :]
    if trips == 0:
        left = given
    elif trips is None:
        pairs = zip(given, left, strict=False)
        left = [Known("", common(before.type, after.type)) for before, after in pairs]
    return left + [stacked(known, trips, 0) for known in collected]


def _fixed_point(
    holder: Holder, body: onnx.GraphProto, given: list[Known], trips: int | None
) -> list[Known]:
    """Walk the body; while a carried type changes, keep what both agree on and walk it again."""
    layers = len(holder.state.layers)
    counter = Known("", tensor_type(TensorProto.INT64, ()))
    condition = Known("", tensor_type(TensorProto.BOOL, ()))
    carried = given
    while True:
        inner = holder.scope.within(
            body_prefix(holder.id, "body"),
            trips=times(holder.scope.trips, trips),
            soft=holder.scope.soft or not trips,
        )
        feed(holder, inner, body, [counter, condition, *carried])
        outputs = [Known("", known.type) for known in holder.run(inner, body)]
        agreed = [
            Known("", common(before.type, after.type))
            for before, after in zip(carried, outputs[1:], strict=False)
        ]
        if trips in {0, 1} or all(
            before.type == after.type for before, after in zip(carried, agreed, strict=False)
        ):
            return outputs
        carried = agreed + carried[len(agreed) :]
        del holder.state.layers[layers:]


def _trips(inputs: Inputs, body: onnx.GraphProto) -> int | None:
    """The trip count, if it is constant and the condition cannot end the loop early."""
    count, condition = (*inputs, None, None)[:2]
    if condition is not None:
        if condition.array is None or condition.array.size != 1:
            return None
        if not condition.array.item():
            return 0
    if count is None or count.array is None or count.array.size != 1:
        return None
    return max(0, int(count.array.item())) if _keeps_going(body) else None


def _keeps_going(body: onnx.GraphProto) -> bool:
    """Whether the condition that the body returns is its own input or a constant true."""
    if len(body.input) < 2 or not body.output:
        return False
    name = body.output[0].name
    writers = {output: node for node in body.node for output in node.output}
    for _ in range(len(body.node) + 1):
        if name == body.input[1].name:
            return True
        node = writers.get(name)
        if node is None:
            return any(tensor.name == name and _is_true(tensor) for tensor in body.initializer)
        if node.op_type == "Constant":
            return any(a.name == "value" and _is_true(a.t) for a in node.attribute)
        if node.op_type not in {"Identity", "Cast"} or not node.input:
            return False
        name = node.input[0]
    return False


def _is_true(tensor: TensorProto) -> bool:
    return any(tensor.raw_data) or any(tensor.int32_data)
