"""Networks of one layer each, to be timed: a convolution, or what could take its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from sepcost.latency.jobs import ModelFile
from sepcost.model.describe import describe
from sepcost.model.dtypes import NUMBERS, numpy_dtype
from sepcost.model.load import Loaded
from sepcost.network import Network
from sepcost.separable.factors.random_init import random_factors
from sepcost.separable.find.candidates import Candidate, candidates
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.menu import Option, shell
from sepcost.separable.rewrite.separate import separate


def single(path: Path, candidate: Candidate, option: Option | None, network: Network) -> ModelFile:
    """Write a network of one layer: the convolution, an option of its menu, or neither (None)."""
    model = _alone(candidate, option is not None, network)
    described = describe(model)
    if option is not None and option.form is not None:
        (found,) = candidates(model, described).found
        factors = random_factors(found, shell(found, option.form, option.rank), 0)
        model = separate(model, [Choice(found, factors, option.emitted, 0, 0)])
    path.write_bytes(model.proto.SerializeToString())
    return ModelFile(path.stem, path, described.inputs)


def _alone(candidate: Candidate, convolved: bool, network: Network) -> Loaded:
    """X -> a scale for each channel -> the convolution -> Relu, with random weights."""
    layer, random = candidate.layer, np.random.default_rng(0)
    shape = layer.inputs[0]
    number, dtype = NUMBERS[candidate.dtype], numpy_dtype(candidate.dtype)
    weights = {"scale": np.ones((shape[1], *(1,) * (len(shape) - 1)))}
    nodes = [helper.make_node("Conv", ["x", "scale"], ["scaled"], group=shape[1])]
    if convolved:
        weight = layer.inputs[1]
        weights["w"] = random.standard_normal(weight) / np.sqrt(np.prod(weight[1:]))
        weights["b"] = np.zeros(candidate.convolution.out_channels)
        attributes: dict[str, Any] = {
            k: list(v) if isinstance(v, tuple) else v for k, v in layer.attributes.items()
        }
        reads = ["scaled", "w", *(["b"] if candidate.has_bias else [])]
        nodes.append(helper.make_node(layer.op_type, reads, ["y"], **attributes))
    nodes.append(helper.make_node("Relu", ["y" if convolved else "scaled"], ["out"]))
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", number, shape)],
        [helper.make_tensor_value_info("out", number, layer.outputs[0] if convolved else shape)],
        [numpy_helper.from_array(a.astype(dtype), name) for name, a in weights.items()],
    )
    opsets = [helper.make_opsetid(*item) for item in network.opsets.items() if item[0] == ""]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return Loaded("layer", "layer", proto)
