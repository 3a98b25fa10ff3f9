"""Infer the types of one node's outputs from those of its inputs.

ONNX's own shape inference covers the standard operators, and ``contrib.RULES`` others. The rest
stays unknown.
"""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TypeProto

from sepcost.model.contrib import RULES
from sepcost.model.graphs import STANDARD, attribute_value
from sepcost.model.rules import Inputs
from sepcost.model.schema import ask, schema_of

_GRAPHS = frozenset({onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS})


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


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node as Python values, without subgraphs and unknown types."""
    return {
        a.name: attribute_value(a)
        for a in node.attribute
        if a.type not in _GRAPHS and a.type and not a.ref_attr_name
    }


def is_standard(op_type: str, opset: int, domain: str) -> bool:
    """Whether ONNX itself defines the operator at this opset."""
    return schema_of(op_type, opset, "" if domain in STANDARD else domain) is not None
