"""Attributes within a function that refer to those of its call."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from sepcost.model.values import text


def resolved(node: onnx.NodeProto, references: Mapping[str, onnx.AttributeProto]) -> onnx.NodeProto:
    """Return a node with what its attributes refer to; what the call leaves out is left out."""
    if not any(attribute.ref_attr_name for attribute in node.attribute):
        return node
    result = onnx.NodeProto()
    result.CopyFrom(node)
    del result.attribute[:]
    for attribute in node.attribute:
        given = references.get(attribute.ref_attr_name, attribute)
        if not given.ref_attr_name:
            result.attribute.add().CopyFrom(given)
            result.attribute[-1].name = text(attribute.name)
    return result
