"""Networks of one layer each, for timing: a convolution or one of its replacements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from sepcost.cost.dense import Dense
from sepcost.latency.jobs import ModelFile
from sepcost.model.describe import describe
from sepcost.model.dtypes import NUMBERS
from sepcost.model.load import Loaded
from sepcost.model.tensors import Array
from sepcost.network import Network
from sepcost.separable.factors.random_init import random_factors
from sepcost.separable.find.candidates import Candidate, candidates
from sepcost.separable.find.storage import Activations, Stored
from sepcost.separable.plan.choices import Choice
from sepcost.separable.plan.menu import Option, shell
from sepcost.separable.rewrite.separate import separate
from sepcost.separable.rewrite.weights import Weights

IR_VERSION = 8
FEW = 4093  # different weights of a dense layer; a prime, so that its rows differ
INT4_IR_VERSION = 10  # the first with types of 4 bits


def layer_model(
    path: Path, candidate: Candidate, option: Option | None, network: Network
) -> ModelFile:
    """Write a network with the convolution, one option of its menu, or neither (None)."""
    model = _alone(candidate, option is not None, network)
    described = describe(model)
    if option is not None and option.form is not None:
        (alone,) = candidates(model, described, dense=candidate.dense is not None).eligible
        factors = random_factors(alone, shell(alone, option.form, option.rank), 0)
        choice = Choice(alone, factors, option.emitted, 0, 0, lifted=option.lifted)
        model = separate(model, [choice])
    path.write_bytes(model.proto.SerializeToString())
    return ModelFile(path.stem, path, described.inputs)


def _alone(candidate: Candidate, convolved: bool, network: Network) -> Loaded:
    """Input -> scale per channel -> the convolution -> Relu, with random weights.

    A convolution in integers is timed as one: it reads and writes integers, without the Relu. In
    front of a dense layer there is a Relu too.
    """
    layer, how, dense = candidate.layer, candidate.activations, candidate.dense
    shape = layer.inputs[candidate.data_at]
    build = _Builder(candidate.dtype, network.opsets.get("", 1), how)
    stored = candidate.stored if how else None
    if dense is None:
        ones = np.ones((shape[1], *(1,) * (len(shape) - 1)))
        value = build.convolution("Conv", "scaled", ("x", ones), stored, group=shape[1])
    else:
        value = build.rectified("x", "scaled")
    if convolved:
        value = build.original(candidate, value)
    result = build.result(value)
    type_ = NUMBERS[how.dtype if how else candidate.dtype]
    graph = helper.make_graph(
        build.nodes,
        "layer",
        [helper.make_tensor_value_info("x", type_, shape)],
        [helper.make_tensor_value_info(result, type_, layer.outputs[0] if convolved else shape)],
        build.tensors,
    )
    domains = {"", how.domain if how else "", stored.domain if stored else ""}
    opsets = [helper.make_opsetid(*item) for item in network.opsets.items() if item[0] in domains]
    small = candidate.stored is not None and candidate.stored.dtype in {"int4", "int2"}
    version = INT4_IR_VERSION if small else IR_VERSION
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=version)
    return Loaded("layer", "layer", proto)


@dataclass(slots=True)
class _Builder:
    """Nodes and tensors of a network that runs in floats, or in integers like ``how``."""

    dtype: str
    opset: int
    how: Activations | None
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)

    def convolution(
        self,
        op_type: str,
        name: str,
        parts: tuple[str, Array],
        stored: Stored | None,
        biases: int = 0,
        **attributes: Any,
    ) -> str:
        """Add a convolution of a value with a kernel, and a bias of zeros; return its output."""
        value, kernel = parts
        weights = Weights(name, self.dtype, self.opset, str, stored, nodes=self.nodes)
        weight = weights.weight("w", kernel)
        reads = [self._read(value), weight.value]
        if biases and self.how is not None and weight.scale is not None:
            reads.append(weights.bias(np.zeros(biases), weight.scale * self.how.scale))
        elif biases:
            reads.append(weights.tensor("bias", np.zeros(biases)))
        self.nodes.append(helper.make_node(op_type, reads, [name], **attributes))
        self.tensors += weights.tensors
        return name

    def original(self, candidate: Candidate, value: str) -> str:
        """Add a candidate's own layer, with random weights; return its output."""
        layer = candidate.layer
        attributes: dict[str, Any] = {
            k: list(v) if isinstance(v, tuple) else v for k, v in layer.attributes.items()
        }
        if candidate.dense is not None:
            return self._product(candidate, candidate.dense, value, attributes)
        shape = layer.inputs[1]
        kernel = np.random.default_rng(0).standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        outputs = candidate.convolution.out_channels if candidate.has_bias else 0
        return self.convolution(
            layer.op_type, "y", (value, kernel), candidate.stored, outputs, **attributes
        )

    def _product(
        self, candidate: Candidate, dense: Dense, value: str, attributes: Mapping[str, Any]
    ) -> str:
        """Few different weights in a dense layer: drawing a hundred million would take long."""
        shape = candidate.layer.inputs[dense.weight]
        few = np.random.default_rng(0).standard_normal(FEW) / np.sqrt(dense.inputs)
        weights = Weights("y", self.dtype, self.opset, str, candidate.stored, nodes=self.nodes)
        matrix = weights.weight("w", np.resize(few, shape)).value
        reads = [value, matrix] if dense.weight else [matrix, value]
        if candidate.has_bias:
            reads.append(weights.tensor("bias", np.zeros(1)))
        self.nodes.append(helper.make_node(candidate.op_type, reads, ["y"], **attributes))
        self.tensors += weights.tensors
        return "y"

    def rectified(self, value: str, output: str) -> str:
        """Add a Relu; return its output."""
        self.nodes.append(helper.make_node("Relu", [value], [output]))
        return output

    def result(self, value: str) -> str:
        """Add what a runtime merges into the convolution, Relu or levels; return the output."""
        if self.how is not None:
            return self._quantized(value)
        return self.rectified(value, "out")

    def _read(self, value: str) -> str:
        """The value as a convolution reads it."""
        if self.how is None:
            return value
        between = value if value == "x" else self._quantized(value)
        return self._converted("DequantizeLinear", between, f"{value}/wide")

    def _quantized(self, value: str) -> str:
        return self._converted("QuantizeLinear", value, f"{value}/levels")

    def _converted(self, op_type: str, value: str, output: str) -> str:
        assert self.how is not None
        label = Weights(output, self.dtype, self.opset, str)
        scale = label.tensor("scale", np.array(self.how.scale))
        zero = label.tensor("zero", np.array(self.how.zero_point), self.how.dtype)
        node = helper.make_node(op_type, [value, scale, zero], [output])
        node.domain = self.how.domain
        self.nodes.append(node)
        self.tensors += label.tensors
        return output
