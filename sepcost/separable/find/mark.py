"""How a node tells that sepcost made it, so that a model converted twice does not change again.

Nodes carry metadata from IR version 10 on; before, the mark is a line of the node's description.
"""

from __future__ import annotations

import onnx

from sepcost.model.values import text

KEY = "sepcost.replaces"
METADATA_IR_VERSION = 10


def mark(node: onnx.NodeProto, original: str, ir_version: int) -> None:
    """Say on ``node`` which convolution it is part of."""
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
