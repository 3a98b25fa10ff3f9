"""Small models with convolutions, and a short path through the conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sepcost.model.describe import describe
from sepcost.model.load import Loaded, load
from sepcost.separable.factors.kernels import Factors, Form, factorize, ranks
from sepcost.separable.find.candidates import Candidate, Candidates, candidates, weight
from sepcost.separable.rewrite.separate import separate

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choice of a plan for one convolution."""

    candidate: Candidate
    factors: Factors
    form_emitted: str = "sum"
    ranges: Mapping[str, tuple[float, float]] | None = None
    lifted: bool = False


def parsed(text: str, weights: Mapping[str, Array] | None = None) -> onnx.ModelProto:
    """Parse ONNX text and add initializers."""
    model = onnx.parser.parse_model(text)
    for name, array in (weights or {}).items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def saved(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Loaded:
    """Write a model and load it as a user's file, with weights left on disk."""
    path = folder / name
    onnx.save(model, path)
    return load(path)


def find(loaded: Loaded, **binding: Any) -> Candidates:
    """Describe a model and find its candidates."""
    return candidates(loaded, describe(loaded, **binding))


def full(candidate: Candidate, form: Form = Form.DEPTHWISE_POINTWISE) -> Factors:
    """Exact factors."""
    kernel, group = weight(candidate), candidate.convolution.group
    return factorize(kernel, form, max(ranks(kernel.shape, form, group=group)), group=group)


def first(candidate: Candidate, form: Form = Form.DEPTHWISE_POINTWISE) -> Factors:
    """Factors of the smallest rank."""
    kernel, group = weight(candidate), candidate.convolution.group
    return factorize(kernel, form, min(ranks(kernel.shape, form, group=group)), group=group)


def converted(
    loaded: Loaded,
    found: Iterable[Candidate],
    make: Callable[[Candidate], Factors] = full,
    form_emitted: str = "sum",
) -> Loaded:
    """Replace the candidates."""
    return separate(loaded, [Chosen(one, make(one), form_emitted) for one in found])


def conv(
    kernel: Array,
    bias: Array | None = None,
    *,
    size: int = 9,
    op_type: str = "Conv",
    **attributes: Any,
) -> onnx.ModelProto:
    """One convolution ``c`` of ``x`` into ``y``, with weight ``w``."""
    group = attributes.get("group", 1)
    channels = kernel.shape[0] if op_type == "ConvTranspose" else kernel.shape[1] * group
    element = helper.np_dtype_to_tensor_dtype(kernel.dtype)
    shape = [2, channels, *[size] * (kernel.ndim - 2)]
    inputs = ["x", "w", *(["b"] if bias is not None else [])]
    graph = helper.make_graph(
        [helper.make_node(op_type, inputs, ["y"], name="c", **attributes)],
        "g",
        [helper.make_tensor_value_info("x", element, shape)],
        [helper.make_tensor_value_info("y", element, [None] * kernel.ndim)],
        [numpy_helper.from_array(kernel, "w")],
    )
    if bias is not None:
        graph.initializer.append(numpy_helper.from_array(bias, "b"))
    opset = 22 if element == onnx.TensorProto.BFLOAT16 else 17
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def noise(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Array:
    """Reproducible normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
