"""Infer the types of one node's outputs from those of its inputs.

ONNX's own shape inference covers the standard operators, and ``contrib.RULES`` others. The rest
stays unknown.
"""

from __future__ import annotations

import onnx
from onnx import TypeProto

from sepcost.model.contrib import RULES
from sepcost.model.graphs import STANDARD, attributes
from sepcost.model.rules import Inputs
from sepcost.model.schema import ask, schema_of


def infer(node: onnx.NodeProto, inputs: Inputs, opset: int, ir_version: int) -> list[TypeProto]:
    """Return one type per output of ``node``; an empty one if it is unknown.

    Raises
    ------
    onnx.shape_inference.InferenceError
        If the node contradicts its inputs.
    """
    domain = "" if node.domain in STANDARD else node.domain
    rule = RULES.get((domain, node.op_type))
    if rule is not None:
        types = rule(inputs, attributes(node))[: len(node.output)]
        return types + [TypeProto()] * (len(node.output) - len(types))
    schema = schema_of(node.op_type, opset, domain)
    if schema is None:
        return [TypeProto()] * len(node.output)
    return ask(schema, node.attribute, inputs, node.output, ir_version)


def is_standard(op_type: str, opset: int, domain: str) -> bool:
    """Whether ONNX itself defines the operator at this opset."""
    return schema_of(op_type, opset, "" if domain in STANDARD else domain) is not None
