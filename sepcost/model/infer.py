"""The types of one node's outputs, from those of its inputs.

ONNX's own shape inference knows the standard operators; ``contrib.RULES`` knows others.
Whatever neither knows stays open.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import onnx
from onnx import TypeProto, helper
from onnx.defs import OpSchema, SchemaError
from onnx.shape_inference import infer_node_outputs

from sepcost.model.contrib import RELATIVE_OPSET, RELATIVES, RULES, Inputs

STANDARD = frozenset({"", "ai.onnx"})
_GRAPHS = frozenset({onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS})


def infer(node: onnx.NodeProto, inputs: Inputs, opset: int, ir_version: int) -> list[TypeProto]:
    """Return one type for each output of ``node``; an empty one where nothing is known.

    Raises
    ------
    onnx.shape_inference.InferenceError
        Where the node contradicts its inputs.
    """
    domain = "" if node.domain in STANDARD else node.domain
    rule = RULES.get((domain, node.op_type))
    if rule is not None:
        types = rule(inputs, attributes(node))
        return types + [TypeProto()] * (len(node.output) - len(types))
    op_type = node.op_type
    if (domain, op_type) in RELATIVES:
        domain, op_type, opset = "", RELATIVES[domain, op_type], RELATIVE_OPSET
    schema = _schema(op_type, opset, domain)
    if schema is None:
        return [TypeProto() for _ in node.output]
    return _by_schema(schema, node, inputs, ir_version)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node as Python values, subgraphs left out."""
    return {
        a.name: helper.get_attribute_value(a)
        for a in node.attribute
        if a.type not in _GRAPHS and not a.ref_attr_name
    }


def is_standard(op_type: str, opset: int, domain: str) -> bool:
    """Whether ONNX itself defines the operator at this opset."""
    return _schema(op_type, opset, "" if domain in STANDARD else domain) is not None


@cache
def _schema(op_type: str, opset: int, domain: str) -> OpSchema | None:
    try:
        return onnx.defs.get_schema(op_type, opset, domain)
    except (SchemaError, TypeError):  # TypeError: a name that is no UTF-8, an opset beyond 32 bits
        return None


def _by_schema(
    schema: OpSchema, node: onnx.NodeProto, inputs: Inputs, ir_version: int
) -> list[TypeProto]:
    """Ask ONNX, under names of our own: those of the model may be no UTF-8."""
    stand_in = onnx.NodeProto(op_type=schema.name, domain=schema.domain)
    stand_in.attribute.extend(node.attribute)
    stand_in.input.extend(f"i{k}" if known else "" for k, known in enumerate(inputs))
    stand_in.output.extend(f"o{k}" if name else "" for k, name in enumerate(node.output))
    present = [(f"i{k}", known) for k, known in enumerate(inputs) if known]
    types = infer_node_outputs(
        schema,
        stand_in,
        {name: known.type for name, known in present},
        {name: known.tensor for name, known in present if known.tensor is not None},
        opset_imports=[helper.make_opsetid(schema.domain, schema.since_version)],
        ir_version=ir_version,
    )
    return [types.get(f"o{k}", TypeProto()) for k in range(len(node.output))]
