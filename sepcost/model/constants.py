"""Initializers and Constant nodes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import onnx
from onnx import TensorProto

from sepcost.errors import ModelError
from sepcost.model.graphs import label, node_id
from sepcost.model.values import Known, from_tensor, tensor_type, text
from sepcost.model.walk_state import Scope, WalkState

#: With more elements, the arithmetic of ONNX's own shape inference would overflow.
MAX_ELEMENTS = 2**63 - 1

#: Attributes of Constant that hold plain values: the field of AttributeProto with the values, and
#: data_type and field of the equivalent tensor.
PLAIN: Mapping[str, tuple[str, int, str]] = {
    "value_float": ("f", TensorProto.FLOAT, "float_data"),
    "value_floats": ("floats", TensorProto.FLOAT, "float_data"),
    "value_int": ("i", TensorProto.INT64, "int64_data"),
    "value_ints": ("ints", TensorProto.INT64, "int64_data"),
    "value_string": ("s", TensorProto.STRING, "string_data"),
    "value_strings": ("strings", TensorProto.STRING, "string_data"),
}


def initializer(state: WalkState, scope: Scope, tensor: TensorProto, dims: tuple[int, ...]) -> None:
    """Add an initializer of shape ``dims`` to the scope; a sparse one stores fewer elements."""
    name = text(tensor.name)
    known = _stored(state, scope.prefix + name, tensor, dims)
    scope.names[name] = guarded(state, f"initializer {name!r}", known)
    state.record(known)


def constant(state: WalkState, scope: Scope, node: onnx.NodeProto) -> Known:
    """Describe a Constant by the attribute that holds its value.

    Raises
    ------
    ModelError
        If it has none.
    """
    name = node_id(scope.prefix, node)
    for attribute in node.attribute:
        if attribute.ref_attr_name:  # left out by the call of the function
            continue
        if attribute.name == "value":
            return _stored(state, name, attribute.t, tuple(attribute.t.dims))
        if attribute.name == "sparse_value":
            sparse = attribute.sparse_tensor
            return _stored(state, name, sparse.values, tuple(sparse.dims))
        if attribute.name in PLAIN:
            tensor = _plain(attribute)
            return _stored(state, name, tensor, tuple(tensor.dims))
    raise ModelError(f"{state.source}: {label(node)} has no value; export the model again")


def _plain(attribute: onnx.AttributeProto) -> TensorProto:
    """Make a tensor of the values in an attribute of ``PLAIN``."""
    source, data_type, field = PLAIN[attribute.name]
    content = getattr(attribute, source)
    several = attribute.name.endswith("s")
    tensor = TensorProto(data_type=data_type, dims=[len(content)] if several else [])
    getattr(tensor, field).extend(content if several else [content])
    return tensor


def guarded(state: WalkState, what: str | onnx.NodeProto, known: Known) -> Known:
    """Refuse shapes that are too large to count.

    Raises
    ------
    ModelError
        If a value has more than ``MAX_ELEMENTS`` elements.
    """
    shape = known.shape
    if shape is not None and prod(filter(None, shape)) > MAX_ELEMENTS:
        dims = "x".join(map(str, shape))
        named = what if isinstance(what, str) else label(what)
        raise ModelError(f"{state.source}: {named} has the impossible shape {dims}")
    return known


def _stored(state: WalkState, name: str, tensor: TensorProto, dims: tuple[int, ...]) -> Known:
    """Describe a constant by its stored elements, then by its full shape ``dims``."""
    known = state.learn(from_tensor(name, tensor))
    if dims != tuple(tensor.dims):
        known.retype(tensor_type(tensor.data_type, dims))
    return known
