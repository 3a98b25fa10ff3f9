"""The blocks of random networks, in one table, the simplest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tests.laws import convs
from tests.laws.draft import MAX_DEPTH, Draft, Place
from tests.laws.weights import kernel, vector

ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSigmoid", "Softplus", "Neg")


def activation(draft: Draft) -> None:
    draft.then(draft.draw(st.sampled_from(ACTIVATIONS)))


def batch_norm(draft: Draft) -> None:
    channels = draft.channels
    draft.then(
        "BatchNormalization",
        vector(draft, channels, 0.5), vector(draft, channels),
        vector(draft, channels), vector(draft, channels, 0.5),
    )  # fmt: skip


def pool(draft: Draft) -> None:
    """Pool over two or three cells, as fits."""
    kind = draft.draw(st.sampled_from(["MaxPool", "AveragePool"]))
    window = [min(draft.draw(st.integers(1, 3)), size) for size in draft.sizes]
    strides = [draft.draw(st.integers(1, 2)) for _ in draft.sizes]
    draft.then(kind, kernel_shape=window, strides=strides)
    sizes = [(s - w) // t + 1 for s, w, t in zip(draft.sizes, window, strides, strict=True)]
    draft.shape = (*draft.shape[:2], *sizes)


def add(draft: Draft) -> None:
    """A residual connection."""
    side = draft.branch()
    several(side, 2)
    draft.then("Add", side.value)


def concat(draft: Draft) -> None:
    """Concatenate the value and a branch of it along the channels."""
    side = draft.branch()
    several(side, 2)
    draft.then("Concat", side.value, axis=1)
    draft.shape = (draft.shape[0], 2 * draft.channels, *draft.sizes)


def dense(draft: Draft) -> None:
    """A product with a constant matrix, which mixes the last axis or the one before."""
    axis = draft.draw(st.sampled_from([-1, -2]))
    size = draft.shape[axis]
    result = size if draft.keep else draft.draw(st.integers(1, 8))
    if axis == -1:
        draft.then("MatMul", kernel(draft, size, result))
    else:
        (draft.value,) = draft.node("MatMul", kernel(draft, result, size), draft.value)
    shape = list(draft.shape)
    shape[axis] = result
    draft.shape = tuple(shape)


# functions and subgraphs


def function(draft: Draft) -> None:
    """A local function, called once or twice."""
    name = draft.house.name("f")
    body = draft.inner(Place.FUNCTION, draft.house.name("p"))
    taken = body.value
    several(body, 3)
    result = body.closed(body.value)
    draft.house.functions.append(
        helper.make_function("local", name, [taken], [result], body.nodes, draft.house.opsets)
    )
    for _ in range(draft.draw(st.integers(1, 2))):
        draft.then(name, domain="local")


def branches(draft: Draft) -> None:
    """An If whose condition is known or depends on data."""
    known = draft.draw(st.sampled_from([True, False, None]))
    if known is None:
        (score,) = draft.node("ReduceMax", draft.value, keepdims=0)
        zero = draft.stored(np.array(0, draft.house.dtype))
        (condition,) = draft.node("Greater", score, zero)
    else:
        condition = draft.stored(np.array(known))
    graphs = {}
    for name in ("then_branch", "else_branch"):
        body = draft.inner(Place.BODY, draft.value)
        several(body, 2)
        graphs[name] = _graph(body, [], [_result(body)])
    (draft.value,) = draft.node("If", condition, **graphs)


def loop(draft: Draft) -> None:
    """A Loop with a known number of trips."""
    body = draft.inner(Place.BODY, draft.house.name("p"))
    fed: list[Typed] = [
        (draft.house.name("i"), TensorProto.INT64, []),
        (draft.house.name("c"), TensorProto.BOOL, []),
        (body.value, draft.house.element, draft.shape),
    ]
    several(body, 2)
    (again,) = body.node("Identity", fed[1][0])
    results = [(again, TensorProto.BOOL, ()), _result(body)]
    trips = draft.stored(np.array(draft.draw(st.integers(1, 3)), np.int64))
    (draft.value,) = draft.node("Loop", trips, "", draft.value, body=_graph(body, fed, results))


def scan(draft: Draft) -> None:
    """A Scan over a vector that carries the value."""
    body = draft.inner(Place.BODY, draft.house.name("p"))
    fed: list[Typed] = [
        (body.value, draft.house.element, draft.shape),
        (draft.house.name("s"), draft.house.element, []),
    ]
    several(body, 2)
    vector_ = draft.stored(draft.house.noise(draft.draw(st.integers(1, 3))))
    (draft.value,) = draft.node(
        "Scan", draft.value, vector_, body=_graph(body, fed, [_result(body)]), num_scan_inputs=1
    )


Typed = tuple[str, int, Sequence[int]]


def _result(body: Draft) -> Typed:
    return body.closed(body.value), body.house.element, body.shape


def _graph(body: Draft, fed: list[Typed], results: list[Typed]) -> onnx.GraphProto:
    return helper.make_graph(
        body.nodes,
        body.house.name("g"),
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in fed],
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in results],
        body.initializers,
    )


# the table


def always(_: Draft) -> bool:
    return True


def free(draft: Draft) -> bool:
    return not draft.keep


def shallow(draft: Draft) -> bool:
    return draft.depth < MAX_DEPTH


def nested(draft: Draft) -> bool:
    """Opsets before 9 lack integer Constants, the only constants in old subgraphs."""
    return shallow(draft) and (draft.house.opset >= 9 or draft.house.ir_version >= 4)


def callable_(draft: Draft) -> bool:
    return shallow(draft) and draft.house.opset >= 9 and draft.house.ir_version >= 8


class Block(NamedTuple):
    """A function that adds a block, and the conditions under which it fits."""

    build: Callable[[Draft], None]
    fits: Callable[[Draft], bool] = always


BLOCKS: Mapping[str, Block] = {
    "conv": Block(convs.conv),
    "activation": Block(activation),
    "batch_norm": Block(batch_norm),
    "pool": Block(pool, free),
    "add": Block(add, shallow),
    "concat": Block(concat, lambda draft: free(draft) and shallow(draft) and draft.channels <= 16),
    "conv_transpose": Block(convs.conv_transpose, free),
    "shared": Block(convs.shared),
    "dense": Block(dense),
    "function": Block(function, callable_),
    "if": Block(branches, nested),
    "loop": Block(loop, nested),
    "scan": Block(scan, lambda draft: shallow(draft) and draft.house.opset >= 9),
    "qdq": Block(convs.qdq, convs.can_quantize),
    "qlinear": Block(convs.qlinear, convs.can_quantize),
}


def several(draft: Draft, most: int) -> None:
    """Draw between one and ``most`` blocks that fit."""
    for _ in range(draft.draw(st.integers(1, most))):
        names = [name for name, block in BLOCKS.items() if block.fits(draft)]
        BLOCKS[draft.draw(st.sampled_from(names))].build(draft)
