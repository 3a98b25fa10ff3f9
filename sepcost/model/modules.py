"""Names that users know, for nodes whose own names an exporter generated.

PyTorch's exporter calls a node ``node_Conv_292`` and keeps the module that made it in the metadata.
Quantised and optimised models lose the metadata, but the names of their weights still show it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import lru_cache

import onnx

from sepcost.model.values import text

#: Metadata of PyTorch's exporter: a list as text, from the root module "" to the operation.
NAME_SCOPES = "pkg.torch.onnx.name_scopes"

#: The root module of a program that was exported before.
_EXPORT_ROOT = "_export_root"

#: Longer texts are not lists of module names.
MAX_LENGTH = 10_000

#: A generated name: empty, ``node_…``, or an operator and perhaps a number (``p2o.Conv.3``).
_GENERATED = re.compile(
    r"(fused )?(node_.*|(p2o\.)?[A-Z]\w*?[._]?\d*(_(quant|nchwc|nhwc|token)\w*)?)?"
)

#: The weight of a module: ``layer1.0.conv1.weight``, ``conv2d_0.w_0``, ``fc.weight_quantized``.
_WEIGHT = re.compile(r"(?P<module>.*[^.])\.(\w+_)?(weight|kernel|bias|w|b)(_\w*)?")
#: The same in PaddlePaddle's older models: ``conv1_weights``, ``conv1_bn_scale``.
_PADDLE = re.compile(r"(?P<module>[A-Za-z]\w*?)_(weights|(?<=_bn_)(scale|offset|mean|variance))")


def module(node: onnx.NodeProto, parameters: Iterable[str]) -> str:
    """Return the dotted path of the module that a node comes from; "" if unknown or the root.

    The weights come first: a batch normalisation that is folded into a convolution leaves its own
    module in the metadata.
    """
    return _of_weights(parameters) or _of_metadata(node)


def shown_name(own: str, op_type: str, module_: str, parameters: Iterable[str]) -> str:
    """Return the name of a layer: the node's own, or one from the module if it is generated."""
    if not module_ or not _GENERATED.fullmatch(own):
        return own
    if _of_weights(parameters):
        return module_
    return f"{module_}/{own.removeprefix('node_') or op_type}"


def _of_weights(parameters: Iterable[str]) -> str:
    for name in parameters:
        if found := _of_weight(name):
            return found
    return ""


@lru_cache(maxsize=4096)
def _of_weight(name: str) -> str:
    match = _WEIGHT.fullmatch(name) or _PADDLE.fullmatch(name)
    return match["module"] if match else ""


def _of_metadata(node: onnx.NodeProto) -> str:
    for entry in node.metadata_props:
        if entry.key == NAME_SCOPES and len(entry.value) <= MAX_LENGTH:
            return _innermost(text(entry.value))
    return ""


def _innermost(scopes: str) -> str:
    """Return the last module; the last entry of the list is the operation."""
    try:
        entries = ast.literal_eval(scopes)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        return ""
    inner = entries[-2] if len(entries) > 1 else ""
    return inner.removeprefix(_EXPORT_ROOT).removeprefix(".")
