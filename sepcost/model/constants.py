"""Initializers and Constant nodes: where the content of a model begins."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import onnx
from onnx import TensorProto, helper

from sepcost.errors import ModelError
from sepcost.model.values import Known, from_tensor, tensor_type, text
from sepcost.model.walk_state import Scope, Walk, label, node_id

#: Beyond this many elements the arithmetic of ONNX's own shape inference would overflow.
MAX_ELEMENTS = 2**63 - 1

#: The attributes of Constant that hold plain values -> data_type of the tensor that they stand for,
#: and the field of AttributeProto that they are in.
PLAIN: Mapping[str, tuple[int, str]] = {
    "value_float": (TensorProto.FLOAT, "f"),
    "value_floats": (TensorProto.FLOAT, "floats"),
    "value_int": (TensorProto.INT64, "i"),
    "value_ints": (TensorProto.INT64, "ints"),
    "value_string": (TensorProto.STRING, "s"),
    "value_strings": (TensorProto.STRING, "strings"),
}


def initializer(walk: Walk, scope: Scope, tensor: TensorProto, dims: tuple[int, ...]) -> None:
    """Enter an initializer of shape ``dims``; a sparse one stores fewer elements than that."""
    name = text(tensor.name)
    known = _stored(walk, scope.prefix + name, tensor, dims)
    scope.names[name] = guarded(walk, f"initializer {name!r}", known)
    walk.record(known)


def constant(walk: Walk, scope: Scope, node: onnx.NodeProto) -> Known:
    """Describe a Constant by whichever attribute holds its value.

    Raises
    ------
    ModelError
        Where none does.
    """
    name = node_id(scope, node)
    for attribute in node.attribute:
        if attribute.ref_attr_name:  # the caller of a function did not give it
            continue
        if attribute.name == "value":
            return _stored(walk, name, attribute.t, tuple(attribute.t.dims))
        if attribute.name == "sparse_value":
            sparse = attribute.sparse_tensor
            return _stored(walk, name, sparse.values, tuple(sparse.dims))
        if attribute.name in PLAIN:
            tensor = _plain(attribute)
            return _stored(walk, name, tensor, tuple(tensor.dims))
    raise ModelError(f"{walk.source}: {label(node)} has no value; export the model again")


def _plain(attribute: onnx.AttributeProto) -> TensorProto:
    """Make a tensor of the numbers or texts that an attribute of ``PLAIN`` holds."""
    data_type, field = PLAIN[attribute.name]
    content = getattr(attribute, field)
    several = field.endswith("s") and field != "s"
    items, dims = (list(content), (len(content),)) if several else ([content], ())
    return helper.make_tensor("", data_type, dims, items)


def guarded(walk: Walk, what: str | onnx.NodeProto, known: Known) -> Known:
    """Refuse shapes that are beyond counting.

    Raises
    ------
    ModelError
        Where a value has more than ``MAX_ELEMENTS`` elements.
    """
    shape = known.shape
    if shape is not None and prod(size or 1 for size in shape) > MAX_ELEMENTS:
        dims = "x".join(map(str, shape))
        named = what if isinstance(what, str) else label(what)
        raise ModelError(f"{walk.source}: {named} has the impossible shape {dims}")
    return known


def _stored(walk: Walk, name: str, tensor: TensorProto, dims: tuple[int, ...]) -> Known:
    """Describe a constant by its stored elements, then by the shape it stands for."""
    known = walk.learn(from_tensor(name, tensor))
    if dims != tuple(tensor.dims):
        known.retype(tensor_type(tensor.data_type, dims))
    return known
