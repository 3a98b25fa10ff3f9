"""The outputs of a network in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import Message
from onnx import TensorProto, numpy_helper

from tests.laws.draft import Array
from tests.model import build


def run(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    """Run a network unoptimised; doubles, which ONNX Runtime lacks, run as floats."""
    single = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in feeds.items()}
    return build.run(narrowed(model), single)


def narrowed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with float32 in place of doubles."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for message in _messages(result):
        if isinstance(message, TensorProto) and message.data_type == TensorProto.DOUBLE:
            array = numpy_helper.to_array(message).astype(np.float32)
            message.CopyFrom(numpy_helper.from_array(array, message.name))
        elif isinstance(message, onnx.TypeProto.Tensor) and message.elem_type == TensorProto.DOUBLE:
            message.elem_type = TensorProto.FLOAT
        elif isinstance(message, onnx.NodeProto) and message.op_type == "Cast":
            for attribute in message.attribute:
                attribute.i = (
                    TensorProto.FLOAT if attribute.i == TensorProto.DOUBLE else attribute.i
                )
    return result


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            repeated: Any = value if field.is_repeated else [value]
            for inner in repeated:
                yield from _messages(inner)


def distance(before: list[Array], after: list[Array]) -> float:
    """The largest ‖a - b‖₂ / ‖a‖₂ over all outputs; ‖b‖₂ if a is zero."""
    assert [a.shape for a in before] == [b.shape for b in after]
    found = [0.0]
    for a, b in zip(before, after, strict=True):
        wide = a.astype(np.float64)
        size = np.linalg.norm(wide) or 1.0
        found.append(float(np.linalg.norm(b.astype(np.float64) - wide) / size))
    return max(found)
