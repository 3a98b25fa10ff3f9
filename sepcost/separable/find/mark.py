"""Marks on the nodes that sepcost writes, so that a second conversion leaves them alone.

Nodes carry metadata since IR version 10; in older models the mark is a line of ``doc_string``.
"""

from __future__ import annotations

import onnx

from sepcost.model.values import text

KEY = "sepcost.replaces"
METADATA_IR_VERSION = 10


def mark(node: onnx.NodeProto, original: str, ir_version: int) -> None:
    """Record on ``node`` which convolution it replaces."""
    if ir_version >= METADATA_IR_VERSION:
        node.metadata_props.add(key=KEY, value=original)
    else:
        lines = [node.doc_string, f"{KEY}: {original}"]
        node.doc_string = "\n".join(filter(None, lines))


def is_marked(node: onnx.NodeProto) -> bool:
    """Whether sepcost made the node."""
    lines = text(node.doc_string).splitlines()
    return any(prop.key == KEY for prop in node.metadata_props) or any(
        line.startswith(f"{KEY}: ") for line in lines
    )
