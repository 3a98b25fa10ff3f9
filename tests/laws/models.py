"""Random valid networks: readable text, inputs, and numerical precision."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import helper, shape_inference

from tests.laws.blocks import several
from tests.laws.draft import Array, Draft, House
from tests.laws.spelling import SPELLINGS, respelled
from tests.laws.weights import vector

#: The newest opset for which ONNX Runtime has kernels.
LATEST = 24
OPSETS = (17, *range(7, 17), *range(18, LATEST + 1))
IR_VERSIONS = (10, 8, 7, 4, 3)

#: Relative rounding errors of one layer; doubles are run as floats.
GRAINS: Mapping[str, float] = {"float32": 1e-6, "float16": 2e-3, "float64": 1e-6}
QUANTIZED = 1e-2


@dataclass(frozen=True, repr=False)
class Net:
    """One random network."""

    model: onnx.ModelProto
    bind: Mapping[str, int]
    grain: float  # relative rounding error of one layer

    def __repr__(self) -> str:
        """Show the network as ONNX text, which a failing test prints."""
        text = re.sub(r"\{[^{}]{60,}\}", "{...}", onnx.printer.to_text(self.model))
        return f"Net(bind={dict(self.bind)}) of\n{text}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def dtype(self) -> str:
        """The element type of its computation."""
        element = self.model.graph.input[0].type.tensor_type.elem_type
        return str(helper.tensor_dtype_to_np_dtype(element))

    def feeds(self, seed: int = 0) -> dict[str, Array]:
        """Standard normal numbers for each required input."""
        random = np.random.default_rng(seed)
        held = {tensor.name for tensor in self.model.graph.initializer}
        return {
            value.name: random.standard_normal(self._shape(value)).astype(self.dtype)
            for value in self.model.graph.input
            if value.name not in held
        }

    def _shape(self, value: onnx.ValueInfoProto) -> list[int]:
        dims = value.type.tensor_type.shape.dim
        return [dim.dim_value or self.bind.get(dim.dim_param, 1) for dim in dims]


@st.composite
def nets(draw: st.DrawFn, dtypes: tuple[str, ...] = ("float32", "float16", "float64")) -> Net:
    """Draw a network of one to four blocks, with or without a head."""
    draft, symbol = _begun(draw, dtypes)
    start = draft.value, draft.shape
    several(draft, 4)
    exposed = [(draft.value, len(draft.shape))] if draw(st.booleans()) else []
    HEADS[draw(st.sampled_from([*HEADS]))](draft)
    graph = _graph(draft, start, symbol, exposed)
    model = _model(draft.house, graph)
    model = respelled(model, SPELLINGS[draw(st.sampled_from([*SPELLINGS]))])
    if draw(st.booleans()):
        model = shape_inference.infer_shapes(model)
    bind = {symbol: draft.shape[0]} if symbol and draft.shape[0] > 1 else {}
    dtype = "float16" if draft.house.halved else str(draft.house.dtype)
    return Net(model, bind, QUANTIZED if draft.house.quantized else GRAINS[dtype])


def _begun(draw: st.DrawFn, dtypes: tuple[str, ...]) -> tuple[Draft, str]:
    dims = draw(st.sampled_from([2, 1, 3]))
    dtype = draw(st.sampled_from(dtypes))
    house = House(
        draw(st.sampled_from(OPSETS)),
        draw(st.sampled_from(IR_VERSIONS)),
        np.dtype(dtype),
        np.random.default_rng(draw(st.integers(0, 99))),
    )
    sizes = [draw(st.integers(1, 9 if dims < 3 else 5)) for _ in range(dims)]
    shape = draw(st.integers(1, 2)), draw(st.sampled_from([4, 1, 2, 3, 6, 8])), *sizes
    return Draft(house, draw, house.name("x"), shape), draw(st.sampled_from(["", "N"]))


def _graph(
    draft: Draft, start: tuple[str, tuple[int, ...]], symbol: str, exposed: list[tuple[str, int]]
) -> onnx.GraphProto:
    house = draft.house
    value, shape = start
    taken: list[Any] = [symbol or shape[0], *shape[1:]]
    inputs = [helper.make_tensor_value_info(value, house.element, taken), *house.overridable]
    if house.ir_version < 4:
        inputs += [
            helper.make_tensor_value_info(one.name, one.data_type, list(one.dims))
            for one in draft.initializers
        ]
    ranks = dict([*exposed, (draft.closed(draft.value), len(draft.shape))])
    outputs = [
        helper.make_tensor_value_info(name, house.element, [None] * rank)
        for name, rank in ranks.items()
        if name != value
    ]
    return helper.make_graph(draft.nodes, "net", inputs, outputs, draft.initializers)


def _model(house: House, graph: onnx.GraphProto) -> onnx.ModelProto:
    model = helper.make_model(
        graph, functions=house.functions, opset_imports=house.opsets,
        ir_version=house.ir_version, producer_name="laws",
    )  # fmt: skip
    helper.set_model_props(model, {"author": "nobody", "sepcost": "kept"})
    return model


# heads: the end of a network


def headless(_: Draft) -> None:
    """No head."""


def pooled(draft: Draft) -> None:
    draft.then("GlobalAveragePool")
    draft.shape = (*draft.shape[:2], *[1] * len(draft.sizes))


def classifier(draft: Draft) -> None:
    """A classifier of three classes."""
    draft.then("Flatten", axis=1)
    features = prod(draft.shape[1:])
    weight = draft.stored(draft.house.noise(features, 3, scale=features**-0.5))
    draft.then("Gemm", weight, vector(draft, 3))
    draft.shape = (draft.shape[0], 3)


HEADS: Mapping[str, Callable[[Draft], None]] = {
    "none": headless, "pooled": pooled, "classifier": classifier,
}  # fmt: skip
